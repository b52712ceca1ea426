// SPDX-License-Identifier: Apache-2.0
// What of a model is measured: which layers, and how well they stand for all.
#include "bench/models/slice.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "bench/models/fuse.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/presets.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

WeightSet slice_of(const char* name, const OffloadRules& rules, std::uint64_t most,
                   bool as_checkpoint = false) {
  const Model checkpoint = preset_model(name);
  const Model model = as_checkpoint ? checkpoint : fused(checkpoint);
  return model_slice(model, offloading(model, rules).tensors, most, rules.prefetch_step);
}

std::uint64_t bytes_of(const WeightSet& set, bool resident) {
  std::uint64_t sum = 0;
  for (const WeightTensor& tensor : set.tensors) {
    if (tensor.resident == resident) sum += tensor.bytes();
  }
  return sum;
}

constexpr std::uint64_t layer_bytes = 64 * 64 * 2;

Model alike(std::size_t layers) {
  Model model;
  model.name = "alike";
  model.layers.resize(layers);
  for (std::size_t i = 0; i < layers; ++i) {
    model.layers[i].tensors.push_back({"model.layers." + std::to_string(i) + ".mlp.up_proj.weight",
                                       "BF16",
                                       {64, 64},
                                       64 * 64,
                                       layer_bytes,
                                       Part::mlp});
  }
  return model;
}

std::vector<std::vector<bool>> everything(const Model& model) {
  return std::vector<std::vector<bool>>(model.layers.size(), {true});
}

/// About `wanted` layers.
WeightSet sliced(const Model& model, const std::vector<std::vector<bool>>& offloaded,
                 std::size_t wanted, std::size_t step) {
  return model_slice(model, offloaded, wanted * layer_bytes, step);
}

std::set<std::size_t> layers_of(const WeightSet& set) {
  std::set<std::size_t> layers;
  for (const WeightTensor& tensor : set.tensors) layers.insert(tensor.layer);
  return layers;
}

/// "3: qkv 6144x4096" and so on would say too little: every field that a pass depends on.
void expect_tensor(const WeightTensor& tensor, const std::string& name, std::size_t rows,
                   std::size_t cols, std::size_t experts = 0) {
  EXPECT_EQ(tensor.name, name);
  EXPECT_EQ(tensor.rows, rows) << name;
  EXPECT_EQ(tensor.cols, cols) << name;
  EXPECT_EQ(tensor.experts, experts) << name;
}

TEST(Slice, TakesEvenlySpreadLayersOfADenseModel) {
  // A layer has 4096 (6144 + 4096 + 2 * 14336) + 14336 * 4096 weights: 436,207,616 bytes.
  constexpr std::uint64_t layer = 436'207'616;
  const WeightSet set = slice_of("llama3.1-8b", {}, 4 * gib);
  EXPECT_EQ(set.name, "llama3.1-8b");
  ASSERT_TRUE(set.slice);
  EXPECT_EQ(set.slice->model, "llama3.1-8b");
  EXPECT_EQ(set.slice->layers, 32U);
  EXPECT_EQ(set.slice->layers_measured, 10U);  // 4 GiB are 9.85
  EXPECT_EQ(set.slice->offloaded_bytes, 32 * layer);
  EXPECT_EQ(set.slice->resident_bytes, 0U);
  // 8,030,261,248 parameters in all.
  EXPECT_EQ(set.slice->other_bytes, 2 * std::uint64_t{8'030'261'248} - 32 * layer);
  EXPECT_EQ(set.bytes(), 10 * layer);
  EXPECT_EQ(set.slice->experts_per_token, 0U);
  const std::set<std::size_t> layers = layers_of(set);
  ASSERT_EQ(layers.size(), 10U);
  std::size_t previous = *layers.begin();
  EXPECT_LE(previous, 3U);
  EXPECT_GE(*layers.rbegin(), 28U);
  for (const std::size_t one : layers) {
    EXPECT_LE(one - previous, 4U);
    previous = one;
  }
  ASSERT_EQ(set.tensors.size(), 40U);
  const std::string prefix = "layers." + std::to_string(*layers.begin()) + ".";
  expect_tensor(set.tensors[0], prefix + "self_attn.qkv_proj.weight", 6144, 4096);
  expect_tensor(set.tensors[1], prefix + "self_attn.o_proj.weight", 4096, 4096);
  expect_tensor(set.tensors[2], prefix + "mlp.gate_up_proj.weight", 28672, 4096);
  expect_tensor(set.tensors[3], prefix + "mlp.down_proj.weight", 4096, 14336);
}

TEST(Slice, IsTheWholeModelWhereItFits) {
  const WeightSet set = slice_of("llama3.1-8b", {}, 100 * gib);
  EXPECT_EQ(set.slice->layers_measured, 32U);
  EXPECT_EQ(set.bytes(), set.slice->offloaded_bytes);
}

TEST(Slice, IsNeverLessThanTwoLayers) {
  EXPECT_EQ(slice_of("llama3.1-8b", {}, 1).slice->layers_measured, 2U);
}

TEST(Slice, KeepsTheShareOfWhatStaysResidentInBetween) {
  OffloadRules rules;
  rules.group_size = 4;
  const WeightSet set = slice_of("llama3.1-70b", rules, 4 * gib);
  // A layer's linear weights: 8192 (10240 + 8192 + 2 * 28672) + 28672 * 8192 of 2 bytes.
  constexpr std::uint64_t layer = 1'711'276'032;
  EXPECT_EQ(set.slice->offloaded_bytes, 20 * layer);
  EXPECT_EQ(set.slice->resident_bytes, 60 * layer);
  EXPECT_EQ(bytes_of(set, false), 2 * layer);  // 4 GiB are 2.5, and of 20 layers it is none or two
  EXPECT_EQ(bytes_of(set, true), 6 * layer);
  // What is prefetched for an offloaded layer hides behind the resident ones before it, as there.
  std::size_t arrivals = 0;
  for (std::size_t i = 1; i < set.tensors.size(); ++i) {
    arrivals += !set.tensors[i].resident && set.tensors[i - 1].resident ? 1 : 0;
  }
  EXPECT_EQ(arrivals, 2U);
}

/// vLLM's --cpu-offload-gb and llama.cpp's --n-cpu-moe offload the first layers in one block.
/// Behind the others a copy of the next pass hides once, however many layers are offloaded.
TEST(Slice, LeavesOutResidentLayersBehindABlock) {
  OffloadRules rules;
  rules.cpu_offload_gb = 30;
  const WeightSet set = slice_of("llama3.1-70b", rules, 4 * gib);
  // Two norms of 16 KiB each beside the linear weights: 18 layers stay below 30 GiB, and down_proj
  // of the 19th reaches it.
  constexpr std::uint64_t layer = 1'711'276'032;
  EXPECT_EQ(set.slice->layers, 80U);
  EXPECT_EQ(set.slice->layers_measured, 3U);
  EXPECT_EQ(set.slice->offloaded_bytes, 19 * layer);
  EXPECT_EQ(set.slice->resident_bytes, 61 * layer);
  EXPECT_EQ(set.bytes(), 3 * layer);
  for (const WeightTensor& tensor : set.tensors) {
    EXPECT_FALSE(tensor.resident);
    EXPECT_LT(tensor.layer, 19U);
  }
  OffloadRules experts;
  experts.n_cpu_moe = 16;
  for (const WeightTensor& tensor : slice_of("qwen3-30b-a3b", experts, 4 * gib).tensors) {
    EXPECT_LT(tensor.layer, 16U);
  }
}

TEST(Slice, KeepsResidentLayersWhereMostOfABlockIsMeasured) {
  OffloadRules rules;
  rules.cpu_offload_gb = 30;
  const WeightSet set = slice_of("llama3.1-70b", rules, 18 * gib);
  const double of_slice =
      static_cast<double>(bytes_of(set, false)) / static_cast<double>(set.bytes());
  EXPECT_NEAR(of_slice / (19.0 / 80), 1, 0.05);
  // Those of the beginning are offloaded, the others are not.
  for (const WeightTensor& tensor : set.tensors) EXPECT_EQ(tensor.resident, tensor.layer >= 19);
}

TEST(Slice, StacksTheExpertsOfAMoe) {
  // A layer: attention of (5120 + 4096) * 2048 weights, 128 experts of 3 * 768 * 2048.
  constexpr std::uint64_t attention = std::uint64_t{5120 + 4096} * 2048 * 2;
  constexpr std::uint64_t experts = std::uint64_t{128} * 3 * 768 * 2048 * 2;
  const WeightSet set = slice_of("qwen3-30b-a3b", {}, 4 * gib);
  EXPECT_EQ(set.slice->layers, 48U);
  EXPECT_EQ(set.slice->experts_per_token, 8U);
  EXPECT_EQ(set.slice->offloaded_bytes, 48 * (attention + experts));
  EXPECT_EQ(set.slice->layers_measured, 2U);  // 4 GiB are 3.45, and 48 layers are even
  ASSERT_EQ(set.tensors.size(), 8U);
  const std::string prefix = "layers." + std::to_string(*layers_of(set).begin()) + ".";
  expect_tensor(set.tensors[0], prefix + "self_attn.qkv_proj.weight", 5120, 2048);
  expect_tensor(set.tensors[1], prefix + "self_attn.o_proj.weight", 2048, 4096);
  expect_tensor(set.tensors[2], prefix + "mlp.experts.w13_weight", 196608, 2048, 128);
  expect_tensor(set.tensors[3], prefix + "mlp.experts.w2_weight", 262144, 768, 128);
}

TEST(Slice, StacksExpertsThatACheckpointKeepsApart) {
  const WeightSet fused_set = slice_of("qwen3-30b-a3b", {}, 4 * gib);
  const WeightSet apart = slice_of("qwen3-30b-a3b", {}, 4 * gib, true);
  EXPECT_EQ(apart.slice->offloaded_bytes, fused_set.slice->offloaded_bytes);
  EXPECT_EQ(apart.bytes(), fused_set.bytes());
  EXPECT_EQ(layers_of(apart), layers_of(fused_set));
  std::map<std::string, const WeightTensor*> tensors;
  for (const WeightTensor& tensor : apart.tensors) {
    EXPECT_TRUE(tensors.emplace(tensor.name, &tensor).second) << tensor.name;
  }
  EXPECT_EQ(tensors.size(), 2U * 7);  // q, k, v, o, and three stacks
  const std::string prefix = "layers." + std::to_string(*layers_of(apart).begin()) + ".";
  for (const auto& [name, rows, cols] :
       {std::tuple{"gate_proj", std::size_t{768}, std::size_t{2048}},
        {"up_proj", 768, 2048},
        {"down_proj", 2048, 768}}) {
    const std::string full = prefix + "mlp.experts." + name + ".weight";
    ASSERT_EQ(tensors.count(full), 1U) << full;
    expect_tensor(*tensors[full], full, 128 * rows, cols, 128);
  }
}

TEST(Slice, TakesTwoOfTheMainKindAndNoneOfASmallOne) {
  // Three dense layers, 0.3 % of DeepSeek-V3's bytes; 58 of 11.5 GB each with experts.
  const WeightSet set = slice_of("deepseek-v3", {}, 4 * gib);
  EXPECT_EQ(set.slice->layers, 61U);
  EXPECT_EQ(set.slice->experts_per_token, 8U);
  EXPECT_EQ(set.slice->layers_measured, 2U);
  // One fp32 scale for each block of 128 x 128 weights; 576 rows make 5 blocks.
  constexpr std::uint64_t attention_scales = 4 * ((12 + 5) * 56 + 192 * 12 + 256 * 4 + 56 * 128);
  constexpr std::uint64_t attention =
      (1536 + 576) * 7168 + 24576 * 1536 + 32768 * 512 + 7168 * 16384 + attention_scales;
  constexpr std::uint64_t expert = std::uint64_t{3} * (2048 * 7168 + 4 * 16 * 56);
  constexpr std::uint64_t moe = attention + (256 + 1) * expert;
  constexpr std::uint64_t dense = attention + std::uint64_t{3} * (18432 * 7168 + 4 * 144 * 56);
  EXPECT_EQ(set.slice->offloaded_bytes, 58 * moe + 3 * dense);
  EXPECT_EQ(set.bytes(), 2 * moe);

  // Half of everything is half of each kind, rounded down to as even or odd a number.
  const WeightSet half = slice_of("deepseek-v3", {}, (58 * moe + 3 * dense) / 2);
  std::size_t dense_layers = 0;
  for (const std::size_t layer : layers_of(half)) dense_layers += layer < 3 ? 1 : 0;
  EXPECT_EQ(half.slice->layers_measured, 28U + 1U);
  EXPECT_EQ(dense_layers, 1U);
}

TEST(Slice, ExpertsInHostMemoryLeaveTheRestResident) {
  OffloadRules rules;
  rules.n_cpu_moe = 48;
  const WeightSet set = slice_of("qwen3-30b-a3b", rules, 4 * gib);
  constexpr std::uint64_t experts = std::uint64_t{128} * 3 * 768 * 2048 * 2;
  EXPECT_EQ(set.slice->offloaded_bytes, 48 * experts);
  EXPECT_EQ(set.slice->layers_measured, 4U);  // of the experts alone 4 GiB are 3.56
  for (const WeightTensor& tensor : set.tensors) EXPECT_EQ(tensor.resident, tensor.experts == 0);
}

TEST(Slice, ByBytesReadWhereNothingIsOffloaded) {
  OffloadRules rules;
  rules.n_cpu_moe = 0;
  const WeightSet set = slice_of("qwen3-30b-a3b", rules, 4 * gib);
  EXPECT_EQ(set.slice->offloaded_bytes, 0U);
  EXPECT_EQ(set.slice->layers_measured, 3U);
  EXPECT_EQ(bytes_of(set, true), set.bytes());
}

TEST(Slice, LeavesOutASmallEvenKind) {
  Model model = alike(64);
  for (const std::size_t layer : {0, 1}) model.layers[layer].tensors.front().shape = {32, 64};
  for (const std::size_t layer : {0, 1}) model.layers[layer].tensors.front().bytes /= 2;
  const WeightSet set = sliced(model, everything(model), 4, 1);
  EXPECT_EQ(set.slice->layers_measured, 4U);
  for (const std::size_t layer : layers_of(set)) EXPECT_GE(layer, 2U);
}

/// Whether a slice of `count` does: as many as leave the remainder of `members` by the slots that
/// are filled in turn, two or as many as layers are copied ahead; by two where no such number from
/// two to what is wanted is one, and what is wanted where that is the only one.
::testing::AssertionResult suits(std::size_t count, std::size_t members, std::size_t wanted,
                                 std::size_t step) {
  const std::size_t most = std::min(members, std::max<std::size_t>(wanted, 2));
  const std::size_t least = std::min<std::size_t>(members, 2);
  for (const std::size_t slots : {std::lcm(std::size_t{2}, step), std::size_t{2}}) {
    std::optional<std::size_t> best;
    for (std::size_t some = least; some <= most; ++some) {
      if (some % slots == members % slots) best = some;
    }
    if (!best) continue;
    if (count == *best) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << count << " are not " << *best;
  }
  if (count == most) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << count << " are not all of " << most;
}

TEST(Slice, KeepsTheRemainderOfTheLayersByTheSlots) {
  for (const std::size_t step : {1, 2, 3, 4, 6}) {
    for (std::size_t layers = 1; layers <= 40; ++layers) {
      const Model model = alike(layers);
      for (std::size_t wanted = 0; wanted <= layers; ++wanted) {
        const WeightSet set = sliced(model, everything(model), wanted, step);
        const std::size_t count = set.slice->layers_measured;
        SCOPED_TRACE(std::to_string(wanted) + " of " + std::to_string(layers) + ", step " +
                     std::to_string(step));
        EXPECT_EQ(count, layers_of(set).size());
        EXPECT_TRUE(suits(count, layers, wanted, step));
      }
    }
  }
}

TEST(Slice, KeepsTheRemainderOfEachKindAndTheProportionOfTheResident) {
  for (const std::size_t step : {1, 2, 3, 4}) {
    for (std::size_t layers = 8; layers <= 64; layers += 4) {
      const Model model = alike(layers);
      const auto offloaded = offloading(model, {.group_size = 4}).tensors;
      for (std::size_t wanted = 0; wanted <= layers / 4; ++wanted) {
        const WeightSet set = sliced(model, offloaded, wanted, step);
        SCOPED_TRACE(std::to_string(wanted) + " of " + std::to_string(layers) + ", step " +
                     std::to_string(step));
        const std::size_t of_host = bytes_of(set, false) / layer_bytes;
        const std::size_t of_gpu = bytes_of(set, true) / layer_bytes;
        EXPECT_TRUE(suits(of_host, layers / 4, wanted, step));
        EXPECT_EQ(of_gpu, 3 * of_host);
      }
    }
  }
}

TEST(Slice, OfQuantisedWeightsIsTheirBytes) {
  Model model;
  model.name = "tiny";
  model.layers.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    ModelTensor packed{
        "blk." + std::to_string(i) + ".ffn_up.weight", "Q4_K", {64, 256}, 16384, 9216, Part::mlp};
    model.layers[i].tensors.push_back(packed);
  }
  const WeightSet set = model_slice(model, {{true}, {true}}, gib, 1);
  ASSERT_EQ(set.tensors.size(), 2U);
  expect_tensor(set.tensors[1], "layers.1.ffn_up.weight", 64, 144);
  EXPECT_EQ(set.tensors[1].dtype, DType::u8);
}

TEST(Slice, OfAStackOfQuantisedExpertsKeepsThemApart) {
  Model model;
  model.name = "tiny";
  model.layers.resize(1);
  model.layers[0].tensors.push_back(
      {"blk.0.ffn_up_exps.weight", "Q4_K", {8, 64, 256}, 8 * 16384, 8 * 9216, Part::experts});
  const WeightSet set = model_slice(model, {{true}}, gib, 1);
  ASSERT_EQ(set.tensors.size(), 1U);
  expect_tensor(set.tensors[0], "layers.0.ffn_up_exps.weight", 8 * 64, 144, 8);
}

TEST(Slice, OfNoLinearWeightsIsRefused) {
  Model model;
  model.name = "norms";
  model.source = "/models/norms";
  model.layers.resize(1);
  model.layers[0].tensors.push_back({"model.layers.0.norm.weight", "BF16", {8}, 8, 16, Part::norm});
  try {
    model_slice(model, {{true}}, gib, 1);
    FAIL() << "nothing to measure, and nothing said";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "/models/norms: norms has no linear weights");
  }
}

}  // namespace
}  // namespace offload
