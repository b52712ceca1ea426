// SPDX-License-Identifier: Apache-2.0
// The readers over files that the formats' own libraries wrote: tests/data/models/make.py says how.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "bench/models/gguf.hpp"
#include "bench/models/safetensors.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using Shape = std::vector<std::uint64_t>;

const fs::path data = fs::path(OFFLOAD_TESTS_DIRECTORY) / "data" / "models";

const ModelTensor& tensor_of(const Model& model, const std::string& name) {
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) {
      if (tensor.name == name) return tensor;
    }
  }
  for (const ModelTensor& tensor : model.ends) {
    if (tensor.name == name) return tensor;
  }
  throw std::out_of_range(name);
}

void expect(const Model& model, const std::string& name, const std::string& dtype,
            const Shape& shape, std::uint64_t bytes, Part part) {
  const ModelTensor& tensor = tensor_of(model, name);
  EXPECT_EQ(tensor.dtype, dtype) << name;
  EXPECT_EQ(tensor.shape, shape) << name;
  EXPECT_EQ(tensor.bytes, bytes) << name;
  EXPECT_EQ(tensor.part, part) << name;
}

TEST(WrittenModels, GgufOfItsOwnLibrary) {
  const Model model = read_gguf(data / "moe.gguf");
  EXPECT_EQ(model.name, "Tiny-MoE");
  EXPECT_EQ(model.architecture, "qwen3moe");
  EXPECT_EQ(model.experts, 4U);
  EXPECT_EQ(model.experts_per_token, 2U);
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.layers[0].tensors.size(), 9U);
  EXPECT_EQ(model.layers[1].tensors.size(), 9U);
  EXPECT_EQ(model.ends.size(), 2U);
  expect(model, "blk.0.attn_norm.weight", "F32", {256}, 1024, Part::norm);
  expect(model, "blk.1.attn_q.weight", "Q4_K", {4, 256}, 4UL * 144, Part::attention);
  expect(model, "blk.1.attn_k.weight", "Q6_K", {2, 256}, 2UL * 210, Part::attention);
  expect(model, "blk.1.attn_v.weight", "IQ4_XS", {2, 256}, 2UL * 136, Part::attention);
  expect(model, "blk.0.attn_output.weight", "F16", {8, 4}, 64, Part::attention);
  expect(model, "blk.0.ffn_gate_inp.weight", "F32", {4, 8}, 128, Part::router);
  expect(model, "blk.0.ffn_gate_exps.weight", "MXFP4", {4, 2, 32}, 8UL * 17, Part::experts);
  expect(model, "blk.0.ffn_up_exps.weight", "Q8_0", {4, 2, 32}, 8UL * 34, Part::experts);
  expect(model, "blk.0.ffn_down_exps.weight", "Q5_1", {4, 2, 32}, 8UL * 24, Part::experts);
  expect(model, "token_embd.weight", "BF16", {3, 32}, 192, Part::embedding);
  expect(model, "output_norm.weight", "F32", {32}, 128, Part::norm);
}

void expect_safetensors(const Model& model) {
  EXPECT_EQ(model.experts, 2U);
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.layers[0].tensors.size(), 6U);
  EXPECT_EQ(model.layers[1].tensors.size(), 2U);
  EXPECT_EQ(model.ends.size(), 3U);
  expect(model, "model.embed_tokens.weight", "BF16", {6, 8}, 96, Part::embedding);
  expect(model, "model.layers.0.self_attn.q_proj.weight", "F8_E4M3", {4, 8}, 32, Part::attention);
  expect(model, "model.layers.0.mlp.gate.weight", "F32", {2, 8}, 64, Part::router);
  expect(model, "model.layers.0.mlp.experts.1.up_proj.weight", "U8", {4, 4}, 16, Part::experts);
  // 8 rows of 2 bytes, each with two 4-bit numbers.
  expect(model, "model.layers.1.mlp.down_proj.weight", "F4", {8, 4}, 16, Part::mlp);
  EXPECT_EQ(tensor_of(model, "model.layers.1.mlp.down_proj.weight").parameters, 32U);
  expect(model, "lm_head.weight", "BF16", {6, 8}, 96, Part::head);
}

TEST(WrittenModels, SafetensorsOfItsOwnLibrary) {
  const fs::path whole = data / "Whole" / "model.safetensors";
  const Model model = read_safetensors({&whole, 1});
  EXPECT_EQ(model.name, "Whole");
  expect_safetensors(model);
  const Model sharded = read_safetensors_index(data / "Sharded" / "model.safetensors.index.json");
  EXPECT_EQ(sharded.name, "Sharded");
  expect_safetensors(sharded);
}

}  // namespace
}  // namespace offload
