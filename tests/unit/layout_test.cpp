// SPDX-License-Identifier: Apache-2.0
// Kinds of layers, told apart by hand.
#include "bench/models/offload_rules.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "bench/models/fuse.hpp"
#include "bench/models/load.hpp"
#include "bench/models/slice.hpp"
#include "bench/report/plan_text.hpp"

namespace offload {
namespace {

using Names = std::vector<std::string>;

ModelLayout layout_by(const char* name, const OffloadRules& rules) {
  const Model model = fused(load_model(name));
  const Offloading where = offloading(model, rules);
  return layout_of(model, where,
                   *model_slice(model, where.tensors, std::uint64_t{4} << 30, 1).slice);
}

std::string text_of(const ModelLayout& layout, const Platform& platform) {
  Page page(Page::Style::terminal);
  write_layouts(page, {layout}, platform);
  return page.text();
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

Platform linked(double bytes_per_second) {
  Platform platform;
  platform.link.emplace();
  platform.link->peak_bytes_per_second = bytes_per_second;
  return platform;
}

TEST(Layout, IsOneKindWhenEveryLayerIsAlike) {
  const ModelLayout layout = layout_by("llama3.1-8b", {});
  ASSERT_EQ(layout.kinds.size(), 1U);
  EXPECT_EQ(layout.kinds[0].layers.size(), 32U);
  EXPECT_EQ(layout.kinds[0].offloaded, (Names{"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}));
  EXPECT_TRUE(layout.kinds[0].resident.empty());
  // Rows times columns: (6144 + 4096) x 4096 of attention, 3 x 14336 x 4096 of the MLP; bf16.
  EXPECT_EQ(layout.kinds[0].offloaded_bytes, std::uint64_t{64} * (10240U * 4096 + 43008U * 4096));
}

TEST(Layout, SetsGroupsApart) {
  const ModelLayout layout = layout_by("llama3.1-8b", {.group_size = 8, .num_in_group = 2});
  ASSERT_EQ(layout.kinds.size(), 2U);
  EXPECT_EQ(layer_ranges(layout.kinds[0].layers), "0-5, 8-13, 16-21, 24-29");
  EXPECT_TRUE(layout.kinds[0].offloaded.empty());
  EXPECT_EQ(layout.kinds[1].layers, (std::vector<std::size_t>{6, 7, 14, 15, 22, 23, 30, 31}));
  EXPECT_TRUE(layout.kinds[1].resident.empty());
}

TEST(Layout, SplitsALayerWhereABudgetEnds) {
  // A layer has 416 MiB: 80 of attention, 224 and 112 of the MLP. 1 GiB ends in the third.
  const ModelLayout layout = layout_by("llama3.1-8b", {.cpu_offload_gb = 1});
  ASSERT_EQ(layout.kinds.size(), 3U);
  EXPECT_EQ(layout.kinds[0].layers, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(layout.kinds[1].layers, (std::vector<std::size_t>{2}));
  EXPECT_EQ(layout.kinds[1].offloaded, (Names{"qkv_proj", "o_proj", "gate_up_proj"}));
  EXPECT_EQ(layout.kinds[1].resident, (Names{"down_proj"}));
  EXPECT_EQ(layout.kinds[2].layers.size(), 29U);
}

TEST(Layout, NamesExpertsAsSuch) {
  const ModelLayout layout = layout_by("qwen3-30b-a3b", {.n_cpu_moe = 24});
  ASSERT_EQ(layout.kinds.size(), 2U);
  EXPECT_TRUE(layout.experts);
  for (const std::string& name : layout.kinds[0].offloaded) {
    EXPECT_TRUE(name.starts_with("experts.")) << name;
  }
  EXPECT_EQ(layout.kinds[0].resident, (Names{"qkv_proj", "o_proj"}));
  EXPECT_EQ(layer_ranges(layout.kinds[1].layers), "24-47");
}

TEST(LayerRanges, AreShortened) {
  EXPECT_EQ(layer_ranges({3}), "3");
  EXPECT_EQ(layer_ranges({0, 1, 2, 5}), "0-2, 5");
  EXPECT_EQ(layer_ranges({0, 2, 4, 6, 8}), "0, 2, ..., 8");
}

TEST(LayoutText, SaysWhatGoesWhereAndHowLongTheLinkNeeds) {
  // 32 layers of 416 MiB are 13 GiB: 13,958,643,712 bytes, of which 50 GB/s bring one in 279 ms.
  const std::string text = text_of(layout_by("llama3.1-8b", {}), linked(50e9));
  EXPECT_TRUE(contains(text, "layers 0-31 (32): offloaded qkv_proj, o_proj, gate_up_proj and"))
      << text;
  EXPECT_TRUE(contains(text, "13 GiB in host memory")) << text;
  EXPECT_TRUE(contains(text, "nominal 50.0 GB/s, would need 279 ms a pass")) << text;
  EXPECT_TRUE(contains(text, "measured are ")) << text;
  EXPECT_TRUE(contains(text, " of 32 layers")) << text;
}

TEST(LayoutText, PromisesNoTimeWithoutALink) {
  EXPECT_TRUE(
      contains(text_of(layout_by("llama3.1-8b", {}), {}), "link alone would need is unknown"));
}

}  // namespace
}  // namespace offload
