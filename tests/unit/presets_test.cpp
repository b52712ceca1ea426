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

struct Published {
  const char* name;
  const char* id;  // on Hugging Face
  std::size_t layers;
  std::uint64_t parameters;
  double active;    // parameters that take part in one token, in 1e9; 0 when dense
  bool embedding;   // whether the publisher counts the input embedding among them
  double bytes;     // of the checkpoint, as shipped
  double rounding;  // half of the last digit given of `bytes`
};

// The totals that the models' cards and papers give; bytes are parameters times their width, with
// 4.25 bit for mxfp4.
constexpr Published published[] = {
    {"llama3.1-8b", "meta-llama/Llama-3.1-8B", 32, 8'030'261'248, 0, true, 16.06e9, 0.005e9},
    {"llama3.1-70b", "meta-llama/Llama-3.1-70B", 80, 70'553'706'496, 0, true, 141.1e9, 0.05e9},
    {"llama3.1-405b", "meta-llama/Llama-3.1-405B", 126, 405'853'388'800, 0, true, 811.7e9, 0.05e9},
    {"qwen2.5-7b", "Qwen/Qwen2.5-7B", 28, 7'615'616'512, 0, true, 15.23e9, 0.005e9},
    {"qwen2.5-72b", "Qwen/Qwen2.5-72B", 80, 72'706'203'648, 0, true, 145.4e9, 0.05e9},
    {"qwen3-32b", "Qwen/Qwen3-32B", 64, 32'762'123'264, 0, true, 65.5e9, 0.05e9},
    {"qwen3-30b-a3b", "Qwen/Qwen3-30B-A3B", 48, 30'532'122'624, 3.35, true, 61.1e9, 0.05e9},
    {"qwen3-235b-a22b", "Qwen/Qwen3-235B-A22B", 94, 235'093'634'560, 22.2, true, 470.2e9, 0.05e9},
    {"qwen3-235b-a22b-fp8", "Qwen/Qwen3-235B-A22B-FP8", 94, 235'093'634'560, 22.2, true, 236.4e9,
     0.05e9},
    {"mixtral-8x7b", "mistralai/Mixtral-8x7B-v0.1", 32, 46'702'792'704, 12.9, true, 93.4e9, 0.05e9},
    {"mixtral-8x22b", "mistralai/Mixtral-8x22B-v0.1", 56, 140'620'634'112, 39.2, true, 281.2e9,
     0.05e9},
    {"deepseek-v3", "deepseek-ai/DeepSeek-V3", 61, 671'026'419'200, 37.6, true, 0.67e12, 0.005e12},
    {"gpt-oss-120b", "openai/gpt-oss-120b", 36, 116'829'156'672, 5.1, false, 65.2e9, 0.05e9},
    {"gpt-oss-20b", "openai/gpt-oss-20b", 24, 20'914'757'184, 3.6, false, 13.8e9, 0.05e9},
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

TEST_P(PublishedModels, ActivateTheirPublishedNumberOfParameters) {
  const Published& expected = GetParam();
  const Model model = preset_model(expected.name);
  EXPECT_EQ(model.experts > 0, expected.active > 0);
  if (model.experts == 0) return;
  std::uint64_t active = 0;
  for (const ModelTensor& tensor : model.ends) {
    if (tensor.part != Part::embedding || expected.embedding) active += tensor.parameters;
  }
  for (const ModelLayer& layer : model.layers) {
    std::uint64_t routed = 0;
    for (const ModelTensor& tensor : layer.tensors) {
      (tensor.part == Part::experts ? routed : active) += tensor.parameters;
    }
    active += routed / model.experts * model.experts_per_token;
  }
  const double digits = expected.active < 5 && expected.embedding ? 0.005 : 0.05;
  EXPECT_NEAR(static_cast<double>(active) / 1e9, expected.active, digits);
}

TEST_P(PublishedModels, KeepEveryParameterAndByteWhenFused) {
  const Model checkpoint = preset_model(GetParam().name);
  const Model engine = fused(checkpoint);
  EXPECT_EQ(engine.parameters(), checkpoint.parameters());
  EXPECT_EQ(engine.bytes(), checkpoint.bytes());
  ASSERT_EQ(engine.layers.size(), checkpoint.layers.size());
  for (const ModelLayer& layer : engine.layers) {
    EXPECT_LT(layer.tensors.size(), 25U) << "experts or projections are still apart";
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
  EXPECT_LT(place("deepseek-v3"), place("llama3.1-8b"));
  EXPECT_LT(place("llama3.1-8b"), place("llama3.1-70b"));
  EXPECT_LT(place("llama3.1-70b"), place("llama3.1-405b"));
  EXPECT_EQ(find_preset_model("deepseek-ai/DeepSeek-V3-0324"), "deepseek-v3");
  EXPECT_EQ(find_preset_model("openai/GPT-OSS-20B"), "gpt-oss-20b");
  EXPECT_EQ(find_preset_model("Qwen3-30B-A3B-Instruct-2507"), "qwen3-30b-a3b");
  EXPECT_EQ(find_preset_model("Qwen/Qwen3-235B-A22B-FP8"), "qwen3-235b-a22b-fp8");
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
