// SPDX-License-Identifier: Apache-2.0
// Checkpoints that NVIDIA's ModelOpt quantised: scales without a shape, and a config whose
// quantisation is in another file.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/slice.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr const char* fp8 = R"({"producer":{"name":"modelopt"},"quantization":)"
                            R"({"quant_algo":"FP8","kv_cache_quant_algo":null,)"
                            R"("exclude_modules":["lm_head"]}})";
constexpr const char* nvfp4 = R"({"quantization":{"quant_algo":"NVFP4","group_size":16,)"
                              R"("kv_cache_quant_algo":"FP8","exclude_modules":["lm_head"]}})";

std::string config(const std::string& more = "", const std::string& type = "llama") {
  return R"({"model_type":")" + type + R"(","hidden_size":64,"intermediate_size":96,)" +
         R"("num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,)" +
         R"("vocab_size":128,"torch_dtype":"bfloat16")" + more + "}";
}
constexpr const char* experts =
    R"(,"head_dim":16,"num_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":32)";

// One layer's matrices: q, o: 64 x 64, k, v: 32 x 64, three of 64 x 96.
constexpr std::uint64_t matrices = 7;
constexpr std::uint64_t layer_weights = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 96;
// Embedding and head, three norms of the layers and the last; in bf16.
constexpr std::uint64_t unquantised_bytes = 2UL * (2 * 128 * 64 + 5 * 64);

Model load_directory(const std::string& config_text, const std::string& file,
                     const std::string& quantization) {
  const TempDirectory directory;
  directory.write("Tiny/config.json", config_text);
  directory.write(fs::path("Tiny") / file, quantization);
  Model model = load_model((directory.path() / "Tiny").string());
  const Model alone = load_model((directory.path() / "Tiny/config.json").string());
  EXPECT_EQ(alone.bytes(), model.bytes()) << "the file is beside a config.json given by itself";
  return model;
}
Model load_config(const std::string& config_text) {
  const TempDirectory directory;
  return load_model(directory.write("Tiny/config.json", config_text).string());
}

std::string complaint(const std::string& config_text, const std::string& file,
                      const std::string& quantization) {
  return testing::message_of<UsageError>([&] { load_directory(config_text, file, quantization); });
}

/// The model's tensors as the header of a safetensors file.
std::string safetensors_of(const Model& model) {
  std::string json;
  std::uint64_t end = 0;
  const auto add = [&](const ModelTensor& tensor) {
    std::string shape;
    for (const std::uint64_t length : tensor.shape) {
      shape += (shape.empty() ? "" : ",") + std::to_string(length);
    }
    json += (json.empty() ? "\"" : ",\"") + tensor.name + R"(":{"dtype":")" + tensor.dtype +
            R"(","shape":[)" + shape + R"(],"data_offsets":[)" + std::to_string(end) + "," +
            std::to_string(end + tensor.bytes) + "]}";
    end += tensor.bytes;
  };
  for (const ModelTensor& tensor : model.ends) add(tensor);
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) add(tensor);
  }
  return safetensors_file("{" + json + "}");
}

std::uint64_t linear_bytes(const Model& model) {
  std::uint64_t bytes = 0;
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) {
      if (is_linear_weight(tensor) || is_linear_scale(tensor)) bytes += tensor.bytes;
    }
  }
  return bytes;
}

/// Everything a plan asks of a model.
void expect_planned(const Model& checkpoint) {
  for (const Model& model : {checkpoint, fused(checkpoint)}) {
    EXPECT_EQ(model.bytes(), checkpoint.bytes());
    const Offloading where = offloading(model, {});
    const WeightSet weights = model_slice(model, where.tensors, model.bytes(), 1);
    EXPECT_EQ(weights.bytes(), linear_bytes(checkpoint));
    EXPECT_FALSE(layout_of(model, where, *weights.slice).kinds.empty());
    for (const WeightTensor& tensor : weights.tensors) EXPECT_GT(tensor.bytes(), 0U) << tensor.name;
    Offloading some = offloading(model, {.cpu_offload_gb = 1e-5});
    EXPECT_EQ(model_slice(model, some.tensors, model.bytes(), 1).bytes(), linear_bytes(checkpoint));
  }
  EXPECT_FALSE(projections_of(checkpoint).empty());
}

TEST(ModelOpt, AScaleWithoutAShapeIsRead) {
  const TempDirectory directory;
  const fs::path path = directory.write(
      "Tiny/model.safetensors",
      safetensors_file(
          R"({"model.layers.0.mlp.up_proj.weight":{"dtype":"F8_E4M3","shape":[256,256],)"
          R"("data_offsets":[0,65536]},"model.layers.0.mlp.up_proj.weight_scale":{"dtype":"F32",)"
          R"("shape":[],"data_offsets":[65536,65540]}})"));
  const Model model = load_model(path.string());
  EXPECT_EQ(model.bytes(), 65540U);
  EXPECT_EQ(model.parameters(), 65536U);
  expect_planned(model);
}

TEST(ModelOpt, AnyTensorOfALayerMayBeAScalar) {
  const TempDirectory directory;
  std::string json;
  std::uint64_t end = 0;
  const auto add = [&](const std::string& name, const std::string& dtype, const std::string& shape,
                       std::uint64_t bytes) {
    json += (json.empty() ? "\"" : ",\"") + std::string("model.layers.0.") + name +
            R"(":{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" +
            std::to_string(end) + "," + std::to_string(end + bytes) + "]}";
    end += bytes;
  };
  for (const char* scalar :
       {"self_attn.q_proj.weight", "self_attn.q_proj.weight_scale", "self_attn.k_proj.k_scale",
        "self_attn.sinks", "mlp.experts.0.up_proj.weight", "mlp.experts.0.up_proj.input_scale",
        "mlp.experts.1.up_proj.input_scale", "mlp.experts.gate_up_proj", "mlp.experts.down_proj",
        "mlp.experts.gate_up_proj_blocks", "mlp.experts.gate_up_proj_scales", "mlp.gate.weight",
        "mlp.shared_experts.up_proj.weight", "mlp.shared_experts.gate_proj.weight_scale",
        "input_layernorm.weight", "layer_scalar", "mlp.gate_proj.qweight", "mlp.gate_proj.qzeros",
        "mlp.gate_proj.scales"}) {
    add(scalar, "F32", "", 4);
  }
  add("mlp.up_proj.weight", "BF16", "8,8", 128);
  add("mlp.down_proj.weight", "U8", "", 1);
  add("mlp.down_proj.weight_scale", "F32", "2", 8);
  const Model model = load_model(
      directory.write("m/model.safetensors", safetensors_file("{" + json + "}")).string());
  const Model engine = fused(model);
  EXPECT_EQ(engine.bytes(), model.bytes());
  expect_planned(model);
}

TEST(ModelOpt, Fp8BesideAConfigHalvesTheMatrices) {
  const Model model = load_directory(config(), "hf_quant_config.json", fp8);
  EXPECT_EQ(model.bytes(), unquantised_bytes + 2 * (layer_weights + matrices * 2 * 4));
  EXPECT_EQ(model.parameters(), load_config(config()).parameters());
  expect_planned(model);
  // The least that says it.
  const Model bare =
      load_directory(config(), "hf_quant_config.json", R"({"quantization":{"quant_algo":"FP8"}})");
  EXPECT_EQ(bare.bytes(), model.bytes());
}

TEST(ModelOpt, Nvfp4BesideAConfigPacksTwoWeightsAByte) {
  const Model model = load_directory(config(), "hf_quant_config.json", nvfp4);
  const std::uint64_t scales = matrices * 2 * 4 + 2UL * 4;  // those of cached keys and values too
  EXPECT_EQ(model.bytes(),
            unquantised_bytes + 2 * (layer_weights / 2 + layer_weights / 16 + scales));
  EXPECT_EQ(model.parameters(), load_config(config()).parameters());
  expect_planned(model);
}

TEST(ModelOpt, ItsSafetensorsAndItsConfigAreTheSameModel) {
  for (const char* quantization : {fp8, nvfp4}) {
    for (const std::string& text : {config(), config(experts, "qwen3_moe")}) {
      const Model expected = load_directory(text, "hf_quant_config.json", quantization);
      const TempDirectory directory;
      directory.write("Tiny/config.json", text);
      directory.write("Tiny/hf_quant_config.json", quantization);
      directory.write("Tiny/model.safetensors", safetensors_of(expected));
      const Model model = load_model((directory.path() / "Tiny").string());
      EXPECT_EQ(model.bytes(), expected.bytes());
      EXPECT_EQ(model.parameters(), expected.parameters());
      EXPECT_EQ(model.architecture, expected.architecture);
      EXPECT_EQ(model.experts, expected.experts);
      expect_planned(model);
    }
  }
}

TEST(ModelOpt, ModulesThatAreExcludedKeepTheirDtype) {
  const auto bytes = [](const std::string& excluded) {
    return load_directory(
               config(), "hf_quant_config.json",
               R"({"quantization":{"quant_algo":"FP8","exclude_modules":[)" + excluded + "]}}")
        .bytes();
  };
  const std::uint64_t all = bytes("");
  const std::uint64_t down = 64 * 96 - 2 * 4;  // a byte more a weight, no scales
  EXPECT_EQ(bytes(R"("lm_head")"), all);
  EXPECT_EQ(bytes(R"("model.layers.0.mlp.down_proj")"), all + down);
  EXPECT_EQ(bytes(R"("mlp.down_proj")"), all + 2 * down);
  EXPECT_EQ(bytes(R"("*.down_proj")"), all + 2 * down);
  EXPECT_EQ(bytes(R"("model.layers.1.mlp.down*", "*router*")"), all + down);
  EXPECT_EQ(bytes(R"("model.layers.0*")"), all + layer_weights - matrices * 2 * 4);
}

TEST(ModelOpt, TheConfigsOwnWordComesFirst) {
  const std::string modelopt =
      R"(,"quantization_config":{"quant_method":"modelopt","quant_algo":"FP8","ignore":["lm_head"]})";
  const std::uint64_t expected = load_directory(config(), "hf_quant_config.json", fp8).bytes();
  EXPECT_EQ(load_config(config(modelopt)).bytes(), expected);
  EXPECT_EQ(load_directory(config(modelopt), "hf_quant_config.json", nvfp4).bytes(), expected);
  const std::string nested =
      R"(,"quantization_config":{"quant_method":"modelopt",)" + std::string(fp8).substr(1) + "";
  EXPECT_EQ(load_config(config(nested)).bytes(), expected);
}

TEST(ModelOpt, WhatIsNotKnownIsRefusedAndNotReadAsBf16) {
  const auto refused = [](const std::string& file, const std::string& quantization,
                          const std::string& word, const std::string& config_text) {
    const std::string text = complaint(config_text, file, quantization);
    EXPECT_TRUE(says(text, word)) << quantization;
    EXPECT_TRUE(says(text, file)) << quantization;
  };
  const std::string modelopt = "hf_quant_config.json";
  for (const std::string algorithm :
       {"W4A16_AWQ", "W4A8_AWQ", "MIXED_PRECISION", "FP8_PB_WO", "W8A8_SQ_PER_CHANNEL"}) {
    refused(modelopt, R"({"quantization":{"quant_algo":")" + algorithm + "\"}}",
            "'" + algorithm + "' is not supported; give the model's safetensors", config());
  }
  refused(modelopt, R"({"quantization":{}})", "quant_algo", config());
  refused(modelopt, R"({"quantization":{"quant_algo":8}})", "quant_algo must be text", config());
  refused(modelopt, R"({"quantization":["FP8"]})", "a list", config());
  refused(modelopt, R"({"quantization":{"quant_algo":"NVFP4","group_size":32}})", "group_size",
          config());
  refused(modelopt, "{}", "says that the weights are quantised", config());
  refused(modelopt, "{\"quantization\":", "not JSON", config());
  for (const char* file : {"quantize_config.json", "quant_config.json"}) {
    refused(file, R"({"bits":4,"group_size":128})", "give the model's safetensors", config());
  }
  const std::string gpt_oss =
      config(R"(,"head_dim":16,"num_local_experts":4,"num_experts_per_tok":2)", "gpt_oss");
  refused(modelopt, fp8, "not supported for gpt_oss", gpt_oss);
}

}  // namespace
}  // namespace offload
