// SPDX-License-Identifier: Apache-2.0
#include "bench/models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/names.hpp"
#include "bench/suites.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

struct Shape {
  const char* name;
  std::size_t rows;
  std::size_t cols;
};

// The fused shapes of vLLM's published Llama checkpoints.
constexpr Shape llama_shapes[] = {
    {"llama3.1-8b.qkv_proj", 6144, 4096},       {"llama3.1-8b.o_proj", 4096, 4096},
    {"llama3.1-8b.gate_up_proj", 28672, 4096},  {"llama3.1-8b.down_proj", 4096, 14336},
    {"llama3.1-70b.qkv_proj", 10240, 8192},     {"llama3.1-70b.o_proj", 8192, 8192},
    {"llama3.1-70b.gate_up_proj", 57344, 8192}, {"llama3.1-70b.down_proj", 8192, 28672},
};

TEST(Models, PresetsHaveTheShapesOfTheCheckpoints) {
  const std::vector<WeightSet> presets = preset_weights();
  ASSERT_EQ(presets.size(), std::size(llama_shapes));
  for (std::size_t i = 0; i < presets.size(); ++i) {
    EXPECT_EQ(presets[i].name, llama_shapes[i].name);
    ASSERT_EQ(presets[i].tensors.size(), 1U);
    EXPECT_EQ(presets[i].tensors[0].rows, llama_shapes[i].rows) << presets[i].name;
    EXPECT_EQ(presets[i].tensors[0].cols, llama_shapes[i].cols) << presets[i].name;
    EXPECT_EQ(presets[i].tensors[0].dtype, DType::bf16);
  }
}

TEST(Models, LayersAddUpToThePublishedParameterCounts) {
  // Layers x projections, two norm vectors a layer and one at the end, embedding and head.
  const auto parameters = [](std::string_view model, std::size_t layers, std::size_t hidden) {
    std::size_t layer = 2 * hidden;
    for (const WeightSet& set : find_preset_weights(model)) layer += set.bytes() / 2;
    return layers * layer + hidden + 2 * std::size_t{128256} * hidden;
  };
  EXPECT_EQ(parameters("llama3.1-8b", 32, 4096), 8'030'261'248U);
  EXPECT_EQ(parameters("llama3.1-70b", 80, 8192), 70'553'706'496U);
}

TEST(Models, AModelIsFoundByAnyOfItsNamesInAnyCase) {
  for (const char* name : {"llama3.1-8b", "LLAMA3.1-8B", "meta-llama/Llama-3.1-8B",
                           "meta-llama/llama-3.1-8b-instruct", "Llama-3.1-8B"}) {
    EXPECT_EQ(find_preset_model(name), "llama3.1-8b") << name;
    EXPECT_EQ(find_preset_weights(name).size(), 4U) << name;
  }
  for (const char* name : {"", "llama", "llama3.1-8", "llama3.1-8b.", "llama3.1-8b.down_proj"}) {
    EXPECT_EQ(find_preset_model(name), "") << name;
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

TEST(Models, SizedWeightsHaveExactlyTheirBytes) {
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{2}, std::size_t{6}, std::size_t{1000}, std::size_t{1001},
        std::size_t{65536}, std::size_t{65538}, std::size_t{104729}, std::size_t{3} << 20,
        (std::size_t{1} << 32) + 1}) {
    const WeightSet set = sized_weights(bytes);
    EXPECT_EQ(set.bytes(), bytes);
    EXPECT_EQ(set.name, format_size(bytes));
    EXPECT_GT(set.tensors.at(0).rows, 0U);
    EXPECT_EQ(set.tensors[0].dtype, bytes % 2 == 0 ? DType::bf16 : DType::u8);
  }
  EXPECT_EQ(sized_weights(64 << 20).tensors[0].cols, 8192U);
  EXPECT_EQ(sized_weights(3 << 20).tensors[0].cols, 8192U);
  EXPECT_EQ(sized_weights(1000).tensors[0].cols, 500U);  // 500 elements: no long power of two
  EXPECT_EQ(sized_weights(104729).tensors[0].rows, 1U);  // a prime
}

TEST(Suites, NameOnlyWeightsThatExistAndNamesFitForABenchmark) {
  for (const Suite& suite : suites()) {
    Options options;
    options.suite = suite.name;
    std::set<std::string> names;
    for (const Selection& selection : select_weights(options)) {
      EXPECT_TRUE(is_plain_name(selection.weights.name)) << selection.weights.name;
      EXPECT_TRUE(names.insert(selection.weights.name).second) << selection.weights.name;
      EXPECT_FALSE(selection.workloads.empty());
      EXPECT_FALSE(selection.named);
    }
    EXPECT_FALSE(names.empty());
  }
}

TEST(Suites, FullMeasuresEveryPreset) {
  Options options;
  options.suite = "full";
  const std::vector<Selection> selected = select_weights(options);
  for (const Shape& shape : llama_shapes) {
    const auto found = std::find_if(selected.begin(), selected.end(), [&](const Selection& entry) {
      return entry.weights.name == shape.name;
    });
    ASSERT_NE(found, selected.end()) << shape.name;
    EXPECT_EQ(found->workloads, (std::vector<std::string>{"gemv"}));
  }
}

TEST(Suites, OneWeightSetServesEveryItemThatNamesIt) {
  Options options;
  options.suite = "full";  // both stream_read and pointer_chase want 64MiB
  for (const Selection& selection : select_weights(options)) {
    if (selection.weights.name != "64MiB") continue;
    EXPECT_EQ(selection.workloads, (std::vector<std::string>{"stream_read", "pointer_chase"}));
  }
}

}  // namespace
}  // namespace offload
