// SPDX-License-Identifier: Apache-2.0
// The suites, and the plain sizes they name.
#include "bench/measure/suites.hpp"
#include "bench/measure/selection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/core/names.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/presets.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

TEST(Suites, SizedWeightsHaveExactlyTheirBytes) {
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
    for (const Selection& selection : select_weights(options, make_catalog())) {
      EXPECT_TRUE(is_plain_name(selection.weights.name)) << selection.weights.name;
      EXPECT_TRUE(names.insert(selection.weights.name).second) << selection.weights.name;
      EXPECT_FALSE(selection.workloads.empty());
      EXPECT_FALSE(selection.named);
    }
    EXPECT_FALSE(names.empty());
  }
}

TEST(Suites, FullMeasuresEveryProjectionOfTwoModels) {
  Options options;
  options.suite = "full";
  const std::vector<Selection> selected = select_weights(options, make_catalog());
  for (const char* model : {"llama3.1-8b", "llama3.1-70b"}) {
    for (const char* projection : {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}) {
      const std::string name = std::string(model) + "." + projection;
      const auto found =
          std::find_if(selected.begin(), selected.end(),
                       [&](const Selection& entry) { return entry.weights.name == name; });
      ASSERT_NE(found, selected.end()) << name;
      EXPECT_EQ(found->workloads, (std::vector<std::string>{"gemv"}));
    }
  }
}

TEST(Suites, OneWeightSetServesEveryItemThatNamesIt) {
  Options options;
  options.suite = "full";  // both stream_read and pointer_chase want 64MiB
  for (const Selection& selection : select_weights(options, make_catalog())) {
    if (selection.weights.name != "64MiB") continue;
    EXPECT_EQ(selection.workloads, (std::vector<std::string>{"stream_read", "pointer_chase"}));
  }
}

}  // namespace
}  // namespace offload
