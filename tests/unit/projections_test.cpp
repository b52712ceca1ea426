// SPDX-License-Identifier: Apache-2.0
// The single matrices of a model read from files.
#include "bench/models/linear_weights.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "bench/core/names.hpp"
#include "bench/models/presets.hpp"

namespace offload {
namespace {

std::map<std::string, WeightTensor> by_name(const std::vector<WeightSet>& sets) {
  std::map<std::string, WeightTensor> result;
  for (const WeightSet& set : sets) {
    EXPECT_EQ(set.tensors.size(), 1U) << set.name;
    EXPECT_TRUE(result.emplace(set.name, set.tensors.at(0)).second) << set.name;
  }
  return result;
}

void expect_shape(const WeightTensor& tensor, std::size_t rows, std::size_t cols) {
  EXPECT_EQ(tensor.rows, rows) << tensor.name;
  EXPECT_EQ(tensor.cols, cols) << tensor.name;
  EXPECT_EQ(tensor.experts, 0U) << tensor.name;
  EXPECT_FALSE(tensor.resident) << tensor.name;
}

TEST(Projections, AreThoseOfThePresetsWhateverTheSource) {
  // The presets' own list is made another way, and checked against published shapes.
  for (const char* name : {"llama3.1-8b", "qwen2.5-72b", "qwen3-32b"}) {
    const auto own = by_name(find_preset_weights(name));
    const auto read = by_name(projections_of(preset_model(name)));
    EXPECT_EQ(read.size(), own.size()) << name;
    for (const auto& [weights, tensor] : own) {
      ASSERT_EQ(read.count(weights), 1U) << weights;
      expect_shape(read.at(weights), tensor.rows, tensor.cols);
      EXPECT_EQ(read.at(weights).dtype, tensor.dtype);
    }
  }
}

TEST(Projections, OfExpertsAreOneExperts) {
  const auto read = by_name(projections_of(preset_model("qwen3-30b-a3b")));
  ASSERT_EQ(read.size(), 4U);
  expect_shape(read.at("qwen3-30b-a3b.qkv_proj"), 5120, 2048);
  expect_shape(read.at("qwen3-30b-a3b.o_proj"), 2048, 4096);
  expect_shape(read.at("qwen3-30b-a3b.w13_weight"), 1536, 2048);
  expect_shape(read.at("qwen3-30b-a3b.w2_weight"), 2048, 768);
}

TEST(Projections, HaveNamesFitForABenchmarkWhateverTheFileSays) {
  Model model;
  model.name = "odd";
  model.layers.resize(1);
  model.layers[0].tensors.push_back(
      {"model.layers.0.mlp.up,pr oj/x.weight", "BF16", {4, 8}, 32, 64, Part::mlp});
  const std::vector<WeightSet> sets = projections_of(model);
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_TRUE(is_plain_name(sets[0].name)) << sets[0].name;
}

}  // namespace
}  // namespace offload
