// SPDX-License-Identifier: Apache-2.0
// The built-in models: sizes as published, and the weights they lend their names to.
#include "bench/models/presets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "bench/core/names.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// What the publisher counts among the parameters that take part in one token.
enum class Counted : std::uint8_t { all, without_embedding, layers };

struct Published {
  const char* name;
  const char* id;  // on Hugging Face
  std::size_t layers;
  std::uint64_t parameters;
  double active;  // parameters that take part in one token, in 1e9; 0 when dense
  Counted counted;
  double bytes;     // of the checkpoint, as shipped
  double rounding;  // half of the last digit given of `bytes`
};

// The totals that the models' cards and papers give; bytes are parameters times their width, with
// 4.25 bit for mxfp4.
constexpr Published published[] = {
    {"llama3.1-8b", "meta-llama/Llama-3.1-8B", 32, 8'030'261'248, 0, Counted::all, 16.06e9,
     0.005e9},
    {"llama3.1-70b", "meta-llama/Llama-3.1-70B", 80, 70'553'706'496, 0, Counted::all, 141.1e9,
     0.05e9},
    {"llama3.1-405b", "meta-llama/Llama-3.1-405B", 126, 405'853'388'800, 0, Counted::all, 811.7e9,
     0.05e9},
    {"qwen2.5-7b", "Qwen/Qwen2.5-7B", 28, 7'615'616'512, 0, Counted::all, 15.23e9, 0.005e9},
    {"qwen2.5-72b", "Qwen/Qwen2.5-72B", 80, 72'706'203'648, 0, Counted::all, 145.4e9, 0.05e9},
    {"qwen3-32b", "Qwen/Qwen3-32B", 64, 32'762'123'264, 0, Counted::all, 65.5e9, 0.05e9},
    {"qwen3-30b-a3b", "Qwen/Qwen3-30B-A3B", 48, 30'532'122'624, 3.35, Counted::all, 61.1e9, 0.05e9},
    {"qwen3-235b-a22b", "Qwen/Qwen3-235B-A22B", 94, 235'093'634'560, 22.2, Counted::all, 470.2e9,
     0.05e9},
    {"qwen3-235b-a22b-fp8", "Qwen/Qwen3-235B-A22B-FP8", 94, 235'093'634'560, 22.2, Counted::all,
     236.4e9, 0.05e9},
    {"mixtral-8x7b", "mistralai/Mixtral-8x7B-v0.1", 32, 46'702'792'704, 12.9, Counted::all, 93.4e9,
     0.05e9},
    {"mixtral-8x22b", "mistralai/Mixtral-8x22B-v0.1", 56, 140'620'634'112, 39.2, Counted::all,
     281.2e9, 0.05e9},
    {"deepseek-v3", "deepseek-ai/DeepSeek-V3", 61, 671'026'419'200, 37.6, Counted::all, 0.67e12,
     0.005e12},
    {"gpt-oss-120b", "openai/gpt-oss-120b", 36, 116'829'156'672, 5.1, Counted::without_embedding,
     65.2e9, 0.05e9},
    {"gpt-oss-20b", "openai/gpt-oss-20b", 24, 20'914'757'184, 3.6, Counted::without_embedding,
     13.8e9, 0.05e9},
    // Their cards round to whole numbers, and count towers for images or layers that predict
    // further tokens; exact are the text models that transformers builds of the same config.
    {"llama4-scout", "meta-llama/Llama-4-Scout-17B-16E-Instruct", 48, 107'769'861'120, 17,
     Counted::all, 215.5e9, 0.05e9},
    {"llama4-maverick", "meta-llama/Llama-4-Maverick-17B-128E-Instruct", 48, 400'711'848'960, 17,
     Counted::all, 801.4e9, 0.05e9},
    {"gemma3-4b", "google/gemma-3-4b-it", 34, 3'880'263'168, 0, Counted::all, 7.8e9, 0.05e9},
    {"gemma3-12b", "google/gemma-3-12b-it", 48, 11'766'034'176, 0, Counted::all, 23.5e9, 0.05e9},
    {"gemma3-27b", "google/gemma-3-27b-it", 62, 27'009'346'304, 0, Counted::all, 54.0e9, 0.05e9},
    {"qwen3-next-80b-a3b", "Qwen/Qwen3-Next-80B-A3B-Instruct", 48, 79'674'391'296, 3,
     Counted::layers, 159.3e9, 0.05e9},
    {"qwen3.5-27b", "Qwen/Qwen3.5-27B", 64, 26'895'998'464, 0, Counted::all, 53.8e9, 0.05e9},
    {"qwen3.5-35b-a3b", "Qwen/Qwen3.5-35B-A3B", 40, 34'660'610'688, 3, Counted::without_embedding,
     69.3e9, 0.05e9},
    {"qwen3.5-397b-a17b", "Qwen/Qwen3.5-397B-A17B", 60, 396'346'350'336, 17, Counted::all, 792.7e9,
     0.05e9},
    {"glm-4.6", "zai-org/GLM-4.6", 92, 352'797'829'024, 32, Counted::layers, 705.6e9, 0.05e9},
    {"glm-4.5-air", "zai-org/GLM-4.5-Air", 46, 106'852'251'264, 12, Counted::layers, 213.7e9,
     0.05e9},
    {"minimax-m2", "MiniMaxAI/MiniMax-M2", 62, 228'689'764'864, 10, Counted::without_embedding,
     230e9, 0.5e9},
    {"kimi-k2", "moonshotai/Kimi-K2-Instruct", 61, 1'026'408'232'448, 32,
     Counted::without_embedding, 1.03e12, 0.005e12},
    {"deepseek-v3.2", "deepseek-ai/DeepSeek-V3.2", 61, 671'877'944'064, 37,
     Counted::without_embedding, 0.67e12, 0.005e12},
    {"mistral-small-3.2-24b", "mistralai/Mistral-Small-3.2-24B-Instruct-2506", 40, 23'572'403'200,
     0, Counted::all, 47.1e9, 0.05e9},
    {"phi-4", "microsoft/phi-4", 40, 14'659'507'200, 0, Counted::all, 29.3e9, 0.05e9},
    {"nemotron-3-nano-30b-a3b", "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 52, 31'577'940'288,
     3.6, Counted::all, 63.2e9, 0.05e9},
    {"nemotron-h-8b", "nvidia/Nemotron-H-8B-Base-8K", 52, 8'100'852'736, 0, Counted::all, 16.2e9,
     0.05e9},
    {"nemotron-h-56b", "nvidia/Nemotron-H-56B-Base-8K", 118, 56'324'350'464, 0, Counted::all,
     112.6e9, 0.05e9},
    {"granite-4.0-h-small", "ibm-granite/granite-4.0-h-small", 40, 32'207'337'984, 9, Counted::all,
     64.4e9, 0.05e9},
    {"granite-4.0-h-tiny", "ibm-granite/granite-4.0-h-tiny", 40, 6'939'037'248, 1, Counted::all,
     13.9e9, 0.05e9},
};

class PublishedModels : public testing::TestWithParam<Published> {};
INSTANTIATE_TEST_SUITE_P(Presets, PublishedModels, testing::ValuesIn(published),
                         [](const auto& model) {
                           std::string name = model.param.name;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '.' || c == '-'; }, '_');
                           return name;
                         });

TEST_P(PublishedModels, HaveTheirPublishedSize) {
  const Published& expected = GetParam();
  const Model model = preset_model(expected.id);
  EXPECT_EQ(model.name, expected.name);
  EXPECT_EQ(model.source, "preset");
  EXPECT_TRUE(is_plain_name(model.name));
  EXPECT_EQ(model.layers.size(), expected.layers);
  EXPECT_EQ(model.parameters(), expected.parameters);
  EXPECT_NEAR(static_cast<double>(model.bytes()), expected.bytes, expected.rounding);
}

/// Half of the last digit given.
double rounding_of(double number) {
  for (const double digit : {1.0, 0.1}) {
    if (std::abs(std::remainder(number, digit)) < 1e-9) return digit / 2;
  }
  return 0.005;
}

TEST_P(PublishedModels, ActivateTheirPublishedNumberOfParameters) {
  const Published& expected = GetParam();
  const Model model = preset_model(expected.name);
  EXPECT_EQ(model.experts > 0, expected.active > 0);
  if (model.experts == 0) return;
  std::uint64_t active = 0;
  for (const ModelTensor& tensor : model.ends) {
    const bool counts =
        expected.counted == Counted::all ||
        (expected.counted == Counted::without_embedding && tensor.part != Part::embedding);
    if (counts) active += tensor.parameters;
  }
  for (const ModelLayer& layer : model.layers) {
    std::uint64_t routed = 0;
    for (const ModelTensor& tensor : layer.tensors) {
      (tensor.part == Part::experts ? routed : active) += tensor.parameters;
    }
    active += routed / model.experts * model.experts_per_token;
  }
  EXPECT_NEAR(static_cast<double>(active) / 1e9, expected.active, rounding_of(expected.active));
}

TEST_P(PublishedModels, KeepEveryParameterAndByteWhenFused) {
  const Model checkpoint = preset_model(GetParam().name);
  const Model engine = fused(checkpoint);
  EXPECT_EQ(engine.parameters(), checkpoint.parameters());
  EXPECT_EQ(engine.bytes(), checkpoint.bytes());
  ASSERT_EQ(engine.layers.size(), checkpoint.layers.size());
  for (const ModelLayer& layer : engine.layers) {
    EXPECT_LT(layer.tensors.size(), 30U) << "experts or projections are still apart";
    std::set<std::string> names;
    for (const ModelTensor& tensor : layer.tensors) {
      EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name;
    }
  }
}

struct Shape {
  const char* name;
  std::size_t rows;
  std::size_t cols;
  DType dtype = DType::bf16;
};

// What vLLM makes of the published checkpoints; of experts one.
constexpr Shape shapes[] = {
    {"llama3.1-8b.qkv_proj", 6144, 4096},
    {"llama3.1-8b.o_proj", 4096, 4096},
    {"llama3.1-8b.gate_up_proj", 28672, 4096},
    {"llama3.1-8b.down_proj", 4096, 14336},
    {"llama3.1-70b.qkv_proj", 10240, 8192},
    {"llama3.1-70b.o_proj", 8192, 8192},
    {"llama3.1-70b.gate_up_proj", 57344, 8192},
    {"llama3.1-70b.down_proj", 8192, 28672},
    {"llama3.1-405b.qkv_proj", 18432, 16384},
    {"llama3.1-405b.o_proj", 16384, 16384},
    {"llama3.1-405b.gate_up_proj", 106496, 16384},
    {"llama3.1-405b.down_proj", 16384, 53248},
    {"qwen2.5-7b.qkv_proj", 4608, 3584},
    {"qwen2.5-7b.o_proj", 3584, 3584},
    {"qwen2.5-7b.gate_up_proj", 37888, 3584},
    {"qwen2.5-7b.down_proj", 3584, 18944},
    {"qwen2.5-72b.qkv_proj", 10240, 8192},
    {"qwen2.5-72b.o_proj", 8192, 8192},
    {"qwen2.5-72b.gate_up_proj", 59136, 8192},
    {"qwen2.5-72b.down_proj", 8192, 29568},
    {"qwen3-32b.qkv_proj", 10240, 5120},
    {"qwen3-32b.o_proj", 5120, 8192},
    {"qwen3-32b.gate_up_proj", 51200, 5120},
    {"qwen3-32b.down_proj", 5120, 25600},
    {"qwen3-30b-a3b.qkv_proj", 5120, 2048},
    {"qwen3-30b-a3b.o_proj", 2048, 4096},
    {"qwen3-30b-a3b.w13_weight", 1536, 2048},
    {"qwen3-30b-a3b.w2_weight", 2048, 768},
    {"qwen3-235b-a22b.qkv_proj", 9216, 4096},
    {"qwen3-235b-a22b.o_proj", 4096, 8192},
    {"qwen3-235b-a22b.w13_weight", 3072, 4096},
    {"qwen3-235b-a22b.w2_weight", 4096, 1536},
    {"qwen3-235b-a22b-fp8.qkv_proj", 9216, 4096, DType::fp8_e4m3},
    {"qwen3-235b-a22b-fp8.o_proj", 4096, 8192, DType::fp8_e4m3},
    {"qwen3-235b-a22b-fp8.w13_weight", 3072, 4096, DType::fp8_e4m3},
    {"qwen3-235b-a22b-fp8.w2_weight", 4096, 1536, DType::fp8_e4m3},
    {"mixtral-8x7b.qkv_proj", 6144, 4096},
    {"mixtral-8x7b.o_proj", 4096, 4096},
    {"mixtral-8x7b.w13_weight", 28672, 4096},
    {"mixtral-8x7b.w2_weight", 4096, 14336},
    {"mixtral-8x22b.qkv_proj", 8192, 6144},
    {"mixtral-8x22b.o_proj", 6144, 6144},
    {"mixtral-8x22b.w13_weight", 32768, 6144},
    {"mixtral-8x22b.w2_weight", 6144, 16384},
    {"deepseek-v3.fused_qkv_a_proj", 2112, 7168, DType::fp8_e4m3},
    {"deepseek-v3.q_b_proj", 24576, 1536, DType::fp8_e4m3},
    {"deepseek-v3.kv_b_proj", 32768, 512, DType::fp8_e4m3},
    {"deepseek-v3.o_proj", 7168, 16384, DType::fp8_e4m3},
    {"deepseek-v3.gate_up_proj", 36864, 7168, DType::fp8_e4m3},
    {"deepseek-v3.down_proj", 7168, 18432, DType::fp8_e4m3},
    {"deepseek-v3.shared_experts.gate_up_proj", 4096, 7168, DType::fp8_e4m3},
    {"deepseek-v3.shared_experts.down_proj", 7168, 2048, DType::fp8_e4m3},
    {"deepseek-v3.w13_weight", 4096, 7168, DType::fp8_e4m3},
    {"deepseek-v3.w2_weight", 7168, 2048, DType::fp8_e4m3},
    {"gpt-oss-120b.qkv_proj", 5120, 2880},
    {"gpt-oss-120b.o_proj", 2880, 4096},
    {"gpt-oss-20b.qkv_proj", 5120, 2880},
    {"gpt-oss-20b.o_proj", 2880, 4096},
    {"deepseek-v3.2.fused_qkv_a_proj", 2112, 7168, DType::fp8_e4m3},
    {"deepseek-v3.2.q_b_proj", 24576, 1536, DType::fp8_e4m3},
    {"deepseek-v3.2.kv_b_proj", 32768, 512, DType::fp8_e4m3},
    {"deepseek-v3.2.o_proj", 7168, 16384, DType::fp8_e4m3},
    {"deepseek-v3.2.wq_b", 8192, 1536, DType::fp8_e4m3},
    {"deepseek-v3.2.wk", 128, 7168, DType::fp8_e4m3},
    {"deepseek-v3.2.weights_proj", 64, 7168},
    {"deepseek-v3.2.gate_up_proj", 36864, 7168, DType::fp8_e4m3},
    {"deepseek-v3.2.down_proj", 7168, 18432, DType::fp8_e4m3},
    {"deepseek-v3.2.shared_experts.gate_up_proj", 4096, 7168, DType::fp8_e4m3},
    {"deepseek-v3.2.shared_experts.down_proj", 7168, 2048, DType::fp8_e4m3},
    {"deepseek-v3.2.w13_weight", 4096, 7168, DType::fp8_e4m3},
    {"deepseek-v3.2.w2_weight", 7168, 2048, DType::fp8_e4m3},
    {"kimi-k2.fused_qkv_a_proj", 2112, 7168, DType::fp8_e4m3},
    {"kimi-k2.q_b_proj", 12288, 1536, DType::fp8_e4m3},
    {"kimi-k2.kv_b_proj", 16384, 512, DType::fp8_e4m3},
    {"kimi-k2.o_proj", 7168, 8192, DType::fp8_e4m3},
    {"kimi-k2.gate_up_proj", 36864, 7168, DType::fp8_e4m3},
    {"kimi-k2.down_proj", 7168, 18432, DType::fp8_e4m3},
    {"kimi-k2.shared_experts.gate_up_proj", 4096, 7168, DType::fp8_e4m3},
    {"kimi-k2.shared_experts.down_proj", 7168, 2048, DType::fp8_e4m3},
    {"kimi-k2.w13_weight", 4096, 7168, DType::fp8_e4m3},
    {"kimi-k2.w2_weight", 7168, 2048, DType::fp8_e4m3},
    {"minimax-m2.qkv_proj", 8192, 3072, DType::fp8_e4m3},
    {"minimax-m2.o_proj", 3072, 6144, DType::fp8_e4m3},
    {"minimax-m2.w13_weight", 3072, 3072, DType::fp8_e4m3},
    {"minimax-m2.w2_weight", 3072, 1536, DType::fp8_e4m3},
    {"gemma3-4b.qkv_proj", 4096, 2560},
    {"gemma3-4b.o_proj", 2560, 2048},
    {"gemma3-4b.gate_up_proj", 20480, 2560},
    {"gemma3-4b.down_proj", 2560, 10240},
    {"gemma3-12b.qkv_proj", 8192, 3840},
    {"gemma3-12b.o_proj", 3840, 4096},
    {"gemma3-12b.gate_up_proj", 30720, 3840},
    {"gemma3-12b.down_proj", 3840, 15360},
    {"gemma3-27b.qkv_proj", 8192, 5376},
    {"gemma3-27b.o_proj", 5376, 4096},
    {"gemma3-27b.gate_up_proj", 43008, 5376},
    {"gemma3-27b.down_proj", 5376, 21504},
    {"glm-4.5-air.qkv_proj", 14336, 4096},
    {"glm-4.5-air.o_proj", 4096, 12288},
    {"glm-4.5-air.gate_up_proj", 21888, 4096},
    {"glm-4.5-air.down_proj", 4096, 10944},
    {"glm-4.5-air.shared_experts.gate_up_proj", 2816, 4096},
    {"glm-4.5-air.shared_experts.down_proj", 4096, 1408},
    {"glm-4.5-air.w13_weight", 2816, 4096},
    {"glm-4.5-air.w2_weight", 4096, 1408},
    {"glm-4.6.qkv_proj", 14336, 5120},
    {"glm-4.6.o_proj", 5120, 12288},
    {"glm-4.6.gate_up_proj", 24576, 5120},
    {"glm-4.6.down_proj", 5120, 12288},
    {"glm-4.6.shared_experts.gate_up_proj", 3072, 5120},
    {"glm-4.6.shared_experts.down_proj", 5120, 1536},
    {"glm-4.6.w13_weight", 3072, 5120},
    {"glm-4.6.w2_weight", 5120, 1536},
    {"granite-4.0-h-small.in_proj", 16768, 4096},
    {"granite-4.0-h-small.out_proj", 4096, 8192},
    {"granite-4.0-h-small.shared_mlp.input_linear", 3072, 4096},
    {"granite-4.0-h-small.shared_mlp.output_linear", 4096, 1536},
    {"granite-4.0-h-small.w13_weight", 1536, 4096},
    {"granite-4.0-h-small.w2_weight", 4096, 768},
    {"granite-4.0-h-small.qkv_proj", 6144, 4096},
    {"granite-4.0-h-small.o_proj", 4096, 4096},
    {"granite-4.0-h-tiny.in_proj", 6448, 1536},
    {"granite-4.0-h-tiny.out_proj", 1536, 3072},
    {"granite-4.0-h-tiny.shared_mlp.input_linear", 2048, 1536},
    {"granite-4.0-h-tiny.shared_mlp.output_linear", 1536, 1024},
    {"granite-4.0-h-tiny.w13_weight", 1024, 1536},
    {"granite-4.0-h-tiny.w2_weight", 1536, 512},
    {"granite-4.0-h-tiny.qkv_proj", 2560, 1536},
    {"granite-4.0-h-tiny.o_proj", 1536, 1536},
    {"llama4-scout.qkv_proj", 7168, 5120},
    {"llama4-scout.o_proj", 5120, 5120},
    {"llama4-scout.shared_expert.gate_up_proj", 16384, 5120},
    {"llama4-scout.shared_expert.down_proj", 5120, 8192},
    {"llama4-scout.w13_weight", 16384, 5120},
    {"llama4-scout.w2_weight", 5120, 8192},
    {"llama4-maverick.qkv_proj", 7168, 5120},
    {"llama4-maverick.o_proj", 5120, 5120},
    {"llama4-maverick.shared_expert.gate_up_proj", 16384, 5120},
    {"llama4-maverick.shared_expert.down_proj", 5120, 8192},
    {"llama4-maverick.w13_weight", 16384, 5120},
    {"llama4-maverick.w2_weight", 5120, 8192},
    {"llama4-maverick.gate_up_proj", 32768, 5120},
    {"llama4-maverick.down_proj", 5120, 16384},
    {"mistral-small-3.2-24b.qkv_proj", 6144, 5120},
    {"mistral-small-3.2-24b.o_proj", 5120, 4096},
    {"mistral-small-3.2-24b.gate_up_proj", 65536, 5120},
    {"mistral-small-3.2-24b.down_proj", 5120, 32768},
    {"phi-4.qkv_proj", 7680, 5120},
    {"phi-4.o_proj", 5120, 5120},
    {"phi-4.gate_up_proj", 35840, 5120},
    {"phi-4.down_proj", 5120, 17920},
    {"nemotron-h-8b.in_proj", 18560, 4096},
    {"nemotron-h-8b.out_proj", 4096, 8192},
    {"nemotron-h-8b.up_proj", 21504, 4096},
    {"nemotron-h-8b.down_proj", 4096, 21504},
    {"nemotron-h-8b.qkv_proj", 6144, 4096},
    {"nemotron-h-8b.o_proj", 4096, 4096},
    {"nemotron-h-56b.in_proj", 37120, 8192},
    {"nemotron-h-56b.out_proj", 8192, 16384},
    {"nemotron-h-56b.up_proj", 32768, 8192},
    {"nemotron-h-56b.down_proj", 8192, 32768},
    {"nemotron-h-56b.qkv_proj", 10240, 8192},
    {"nemotron-h-56b.o_proj", 8192, 8192},
    {"nemotron-3-nano-30b-a3b.in_proj", 10304, 2688},
    {"nemotron-3-nano-30b-a3b.out_proj", 2688, 4096},
    {"nemotron-3-nano-30b-a3b.shared_experts.up_proj", 3712, 2688},
    {"nemotron-3-nano-30b-a3b.shared_experts.down_proj", 2688, 3712},
    {"nemotron-3-nano-30b-a3b.w13_weight", 1856, 2688},
    {"nemotron-3-nano-30b-a3b.w2_weight", 2688, 1856},
    {"nemotron-3-nano-30b-a3b.qkv_proj", 4608, 2688},
    {"nemotron-3-nano-30b-a3b.o_proj", 2688, 4096},
    {"qwen3-next-80b-a3b.in_proj_qkvz", 12288, 2048},
    {"qwen3-next-80b-a3b.in_proj_ba", 64, 2048},
    {"qwen3-next-80b-a3b.out_proj", 2048, 4096},
    {"qwen3-next-80b-a3b.qkv_proj", 9216, 2048},
    {"qwen3-next-80b-a3b.o_proj", 2048, 4096},
    {"qwen3-next-80b-a3b.shared_expert.gate_up_proj", 1024, 2048},
    {"qwen3-next-80b-a3b.shared_expert.down_proj", 2048, 512},
    {"qwen3-next-80b-a3b.w13_weight", 1024, 2048},
    {"qwen3-next-80b-a3b.w2_weight", 2048, 512},
    {"qwen3.5-27b.in_proj_qkv", 10240, 5120},
    {"qwen3.5-27b.in_proj_z", 6144, 5120},
    {"qwen3.5-27b.in_proj_b", 48, 5120},
    {"qwen3.5-27b.in_proj_a", 48, 5120},
    {"qwen3.5-27b.out_proj", 5120, 6144},
    {"qwen3.5-27b.qkv_proj", 14336, 5120},
    {"qwen3.5-27b.o_proj", 5120, 6144},
    {"qwen3.5-27b.gate_up_proj", 34816, 5120},
    {"qwen3.5-27b.down_proj", 5120, 17408},
    {"qwen3.5-35b-a3b.in_proj_qkv", 8192, 2048},
    {"qwen3.5-35b-a3b.in_proj_z", 4096, 2048},
    {"qwen3.5-35b-a3b.in_proj_b", 32, 2048},
    {"qwen3.5-35b-a3b.in_proj_a", 32, 2048},
    {"qwen3.5-35b-a3b.out_proj", 2048, 4096},
    {"qwen3.5-35b-a3b.qkv_proj", 9216, 2048},
    {"qwen3.5-35b-a3b.o_proj", 2048, 4096},
    {"qwen3.5-35b-a3b.shared_expert.gate_up_proj", 1024, 2048},
    {"qwen3.5-35b-a3b.shared_expert.down_proj", 2048, 512},
    {"qwen3.5-35b-a3b.w13_weight", 1024, 2048},
    {"qwen3.5-35b-a3b.w2_weight", 2048, 512},
    {"qwen3.5-397b-a17b.in_proj_qkv", 12288, 4096},
    {"qwen3.5-397b-a17b.in_proj_z", 8192, 4096},
    {"qwen3.5-397b-a17b.in_proj_b", 64, 4096},
    {"qwen3.5-397b-a17b.in_proj_a", 64, 4096},
    {"qwen3.5-397b-a17b.out_proj", 4096, 8192},
    {"qwen3.5-397b-a17b.qkv_proj", 17408, 4096},
    {"qwen3.5-397b-a17b.o_proj", 4096, 8192},
    {"qwen3.5-397b-a17b.shared_expert.gate_up_proj", 2048, 4096},
    {"qwen3.5-397b-a17b.shared_expert.down_proj", 4096, 1024},
    {"qwen3.5-397b-a17b.w13_weight", 2048, 4096},
    {"qwen3.5-397b-a17b.w2_weight", 4096, 1024},
};

TEST(Models, PresetsHaveTheShapesOfTheCheckpoints) {
  std::set<std::string> names;
  for (const WeightSet& preset : preset_weights()) {
    EXPECT_TRUE(is_plain_name(preset.name)) << preset.name;
    EXPECT_EQ(preset.tensors.size(), 1U) << preset.name;
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
  }
  EXPECT_EQ(names.size(), std::size(shapes));
  for (const Shape& shape : shapes) {
    EXPECT_TRUE(names.contains(shape.name)) << shape.name;
    const auto found = find_preset_weights(shape.name);
    ASSERT_EQ(found.size(), 1U) << shape.name;
    EXPECT_EQ(found[0].name, shape.name);
    EXPECT_EQ(found[0].tensors[0].rows, shape.rows) << shape.name;
    EXPECT_EQ(found[0].tensors[0].cols, shape.cols) << shape.name;
    EXPECT_EQ(found[0].tensors[0].dtype, shape.dtype) << shape.name;
  }
}

TEST(Models, ThePresetsAreThePublishedModels) {
  const std::vector<std::string_view> names = preset_models();
  EXPECT_EQ(names.size(), std::size(published));
  for (const Published& model : published) {
    EXPECT_NE(std::find(names.begin(), names.end(), model.name), names.end()) << model.name;
  }
  // By their names, sizes as numbers.
  const auto place = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  EXPECT_LT(place("deepseek-v3"), place("deepseek-v3.2"));
  EXPECT_LT(place("deepseek-v3.2"), place("llama3.1-8b"));
  EXPECT_LT(place("llama3.1-8b"), place("llama3.1-70b"));
  EXPECT_LT(place("llama3.1-70b"), place("llama3.1-405b"));
  EXPECT_EQ(find_preset_model("deepseek-ai/DeepSeek-V3-0324"), "deepseek-v3");
  EXPECT_EQ(find_preset_model("openai/GPT-OSS-20B"), "gpt-oss-20b");
  EXPECT_EQ(find_preset_model("Qwen3-30B-A3B-Instruct-2507"), "qwen3-30b-a3b");
  EXPECT_EQ(find_preset_model("Qwen/Qwen3-235B-A22B-FP8"), "qwen3-235b-a22b-fp8");
  EXPECT_EQ(find_preset_model("gemma-3-27b-it"), "gemma3-27b");
  EXPECT_EQ(find_preset_model("Llama-4-Scout-17B-16E-Instruct"), "llama4-scout");
  EXPECT_EQ(find_preset_model("glm4.6"), "glm-4.6");
  EXPECT_EQ(find_preset_model("phi4"), "phi-4");
  EXPECT_EQ(find_preset_model("DeepSeek-V3.2-FP8"), "deepseek-v3.2");
  EXPECT_EQ(find_preset_model("moonshotai/Kimi-K2-Instruct-0905"), "kimi-k2");
  EXPECT_THROW(preset_model("llama3.1-9b"), UsageError);
}

TEST(Models, AModelIsFoundByAnyOfItsNamesInAnyCase) {
  for (const char* name :
       {"llama3.1-8b", "LLAMA3.1-8B", "meta-llama/Llama-3.1-8B", "meta-llama/llama-3.1-8b-instruct",
        "Llama-3.1-8B", "llama3.1-8b-instruct", "llama-3.1-8b-instruct", "llama3.1-8b-bf16",
        "meta-llama/Llama-3.1-8B-BF16"}) {
    EXPECT_EQ(find_preset_model(name), "llama3.1-8b") << name;
    EXPECT_EQ(find_preset_weights(name).size(), 4U) << name;
  }
  for (const char* name : {"", "llama", "llama3.1-8", "llama3.1-8b.", "llama3.1-8b.down_proj"}) {
    EXPECT_EQ(find_preset_model(name), "") << name;
  }
}

TEST(Models, ATypeInANameMustBeThePresets) {
  EXPECT_EQ(find_preset_model("gpt-oss-120b-MXFP4"), "gpt-oss-120b");
  EXPECT_EQ(find_preset_model("deepseek-v3-fp8"), "deepseek-v3");
  EXPECT_EQ(find_same_shapes("Llama-3.3-70B-Instruct-bf16")->preset, "llama3.1-70b");
  for (const char* name :
       {"llama3.1-8b-fp8", "meta-llama/Llama-3.1-8B-FP8", "Qwen/Qwen3-30B-A3B-GPTQ-Int4",
        "Qwen/Qwen2.5-7B-Instruct-AWQ", "llama3.1-8b-4bit", "Llama-3.3-70B-Instruct-NVFP4",
        "gpt-oss-20b-bf16", "gpt-oss-20b-GGUF", "deepseek-v3-bf16", "llama3.1-8b-mxfp4"}) {
    EXPECT_EQ(find_preset_model(name), "") << name;
    EXPECT_FALSE(find_same_shapes(name)) << name;
    EXPECT_TRUE(find_preset_weights(name).empty()) << name;
  }
  EXPECT_EQ(preset_type("llama3.1-8b"), "bf16");
  EXPECT_EQ(preset_type("deepseek-v3"), "fp8");
  EXPECT_EQ(preset_type("gpt-oss-20b"), "mxfp4");
  for (const std::string_view name : preset_models()) EXPECT_NE(preset_type(name), "") << name;
}

TEST(Models, APresetStandsForModelsOfItsShapes) {
  const std::pair<const char*, const char*> known[]{
      {"llama3.3-70b", "llama3.1-70b"},
      {"Llama-3.3-70B", "llama3.1-70b"},
      {"meta-llama/Llama-3.3-70B-Instruct", "llama3.1-70b"},
      {"llama3-70b", "llama3.1-70b"},
      {"llama-3-8b", "llama3.1-8b"},
      {"deepseek-r1", "deepseek-v3"},
      {"DeepSeek-V3.1", "deepseek-v3"},
      {"deepseek-r1-distill-llama-70b", "llama3.1-70b"},
      {"deepseek-r1-distill-qwen-7b", "qwen2.5-7b"},
      {"qwen2.5-coder-7b-instruct", "qwen2.5-7b"},
      {"Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3-30b-a3b"},
      {"openai/gpt-oss-safeguard-20b", "gpt-oss-20b"},
      {"glm-4.5", "glm-4.6"},
      {"MiniMax-M2.5", "minimax-m2"},
      {"Qwen/Qwen3.6-35B-A3B", "qwen3.5-35b-a3b"},
  };
  for (const auto& [name, preset] : known) {
    const auto same = find_same_shapes(name);
    ASSERT_TRUE(same) << name;
    EXPECT_EQ(same->preset, preset) << name;
    EXPECT_EQ(find_preset_model(name), "") << name << " is another model";
    EXPECT_EQ(preset_model(name).name, preset) << name;
    EXPECT_EQ(find_preset_weights(name).at(0).name, find_preset_weights(preset).at(0).name) << name;
  }
  EXPECT_EQ(find_same_shapes("LLAMA-3.3-70B")->sentence(),
            "llama3.3-70b has the shapes of llama3.1-70b");
  EXPECT_EQ(find_preset_weights("llama3.3-70b.down_proj").at(0).name, "llama3.1-70b.down_proj");
  EXPECT_EQ(find_same_shapes_of_weights("llama3.3-70b.down_proj.fp8_e4m3")->model, "llama3.3-70b");
  EXPECT_EQ(find_same_shapes_of_weights("llama3.3-70b")->preset, "llama3.1-70b");
  // Of another vocabulary, with an indexer, of other sizes; and what is no model.
  for (const char* name : {"mistralai/Mixtral-8x22B-Instruct-v0.1", "deepseek-v3.2", "llama3.2-3b",
                           "llama3.1-70b", "llama3.3-70b.down_proj", "llama3.3-70b.", ""}) {
    EXPECT_FALSE(find_same_shapes(name)) << name;
  }
  for (const char* name : {"llama3.1-70b.down_proj", "llama3.3-70b.up_proj", "llama3.3-70b."}) {
    EXPECT_FALSE(find_same_shapes_of_weights(name)) << name;
  }
}

TEST(Models, AreMadeForSequencesOfTheirPublishedLength) {
  const std::pair<const char*, std::size_t> known[]{
      {"deepseek-v3", 163'840},
      {"llama3.1-8b", 131'072},
      {"llama3.3-70b", 131'072},
      {"llama3-8b", 8'192},
      {"meta-llama/Meta-Llama-3-70B-Instruct", 8'192},
      {"mixtral-8x7b", 32'768},
      {"mixtral-8x22b", 65'536},
      {"qwen2.5-7b", 131'072},
      {"Qwen/Qwen2.5-7B-Instruct", 32'768},
      {"qwen3-32b", 40'960},
      {"qwen3-235b-a22b", 40'960},
      {"Qwen3-235B-A22B-Instruct-2507", 262'144},
      {"gpt-oss-20b", 131'072},
      {"llama4-scout", 10'485'760},
      {"gemma3-4b", 131'072},
      {"glm-4.6", 202'752},
      {"zai-org/GLM-4.5", 131'072},
      {"kimi-k2", 131'072},
      {"moonshotai/Kimi-K2-Instruct-0905", 262'144},
  };
  for (const auto& [name, tokens] : known) EXPECT_EQ(preset_model(name).context, tokens) << name;
  for (const std::string_view name : preset_models()) EXPECT_GT(preset_model(name).context, 0U);
}

TEST(Models, HaveAnIdThatEnginesTake) {
  const std::pair<const char*, const char*> known[]{
      {"llama3.1-8b", "meta-llama/Llama-3.1-8B"},
      {"llama3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct"},
      {"llama3.1-8b-bf16", "meta-llama/Llama-3.1-8B"},
      {"llama3.3-70b", "meta-llama/Llama-3.3-70B-Instruct"},
      {"llama-3-70b-instruct", "meta-llama/Meta-Llama-3-70B-Instruct"},
      {"deepseek-r1", "deepseek-ai/DeepSeek-R1"},
      {"Qwen/Qwen3-32B", "Qwen/Qwen3-32B"},
  };
  for (const auto& [name, id] : known) EXPECT_EQ(hugging_face_id(name), id) << name;
  for (const std::string_view name : preset_models()) {
    EXPECT_EQ(find_preset_model(hugging_face_id(name)), name);
  }
  EXPECT_EQ(hugging_face_id("llama3.1-9b"), "");
}

TEST(Models, NoNameIsThatOfTwoModels) {
  EXPECT_GT(models_of_same_shapes().size(), 20U);
  std::set<std::string> names;
  for (const SameShapes& other : models_of_same_shapes()) {
    EXPECT_TRUE(names.insert(to_lower(other.model)).second) << other.model;
    EXPECT_EQ(find_preset_model(other.model), "") << other.model;
    EXPECT_EQ(find_same_shapes(other.model)->model, other.model);
  }
}

TEST(Models, AProjectionMayNameADType) {
  const auto plain = find_preset_weights("meta-llama/Llama-3.1-70B.Down_Proj");
  ASSERT_EQ(plain.size(), 1U);
  EXPECT_EQ(plain[0].name, "llama3.1-70b.down_proj");

  const auto fp8 = find_preset_weights("llama3.1-70b.down_proj.fp8_e4m3");
  ASSERT_EQ(fp8.size(), 1U);
  EXPECT_EQ(fp8[0].name, "llama3.1-70b.down_proj.fp8_e4m3");
  EXPECT_EQ(fp8[0].bytes() * 2, plain[0].bytes());

  // Its own dtype is no variant.
  EXPECT_EQ(find_preset_weights("llama3.1-70b.down_proj.bf16").at(0).name, plain[0].name);
}

TEST(Models, WhatIsNoWeightIsNotFound) {
  for (const char* name : {"llama3.1-8b.", "llama3.1-8b.up_proj", "llama3.1-8b.down_proj.int4",
                           "llama3.1-8b.down_proj.", "llama3.1-8bdown_proj", "64MiB", ""}) {
    EXPECT_TRUE(find_preset_weights(name).empty()) << name;
  }
}

}  // namespace
}  // namespace offload
