// SPDX-License-Identifier: Apache-2.0
// One GPU's share of a model, against what vLLM's layers make of the numbers of its config.json.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/fuse.hpp"
#include "bench/models/kv_cache.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/shard.hpp"
#include "bench/models/slice.hpp"
#include "offload/error.hpp"

#include "tests/unit/messages.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;

Model share(std::string_view preset, std::size_t gpus) {
  return fused(sharded(preset_model(preset), gpus));
}

/// Of the first tensor with this end in any layer; {} without one.
Shape shape_of(const Model& model, std::string_view end) {
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) {
      if (tensor.name.ends_with(end)) return tensor.shape;
    }
  }
  return {};
}

Shape shape_at_ends(const Model& model, Part part) {
  const auto found = std::ranges::find(model.ends, part, &ModelTensor::part);
  return found == model.ends.end() ? Shape{} : found->shape;
}

std::string refusal(std::string_view preset, std::size_t gpus) {
  return testing::message_of<UsageError>([&] { sharded(preset_model(preset), gpus); });
}

// hidden 8192, intermediate 28672, 64 heads of 128, 8 of keys and values, vocabulary 128256.
TEST(Shard, DividesADenseModelByHeadsAndHiddenFeatures) {
  struct Expected {
    std::size_t gpus;
    std::uint64_t qkv, o, gate_up, down, vocabulary;
  };
  for (const Expected& expected : {Expected{2, (32 + 2 * 4) * 128, 4096, 28672, 14336, 64128},
                                   Expected{4, (16 + 2 * 2) * 128, 2048, 14336, 7168, 32064},
                                   Expected{8, (8 + 2 * 1) * 128, 1024, 7168, 3584, 16032},
                                   // 16 GPUs share 8 heads of keys: each has one, twice over
                                   Expected{16, (4 + 2 * 1) * 128, 512, 3584, 1792, 8016}}) {
    const Model model = share("llama3.1-70b", expected.gpus);
    EXPECT_EQ(shape_of(model, "qkv_proj.weight"), (Shape{expected.qkv, 8192}));
    EXPECT_EQ(shape_of(model, "o_proj.weight"), (Shape{8192, expected.o}));
    EXPECT_EQ(shape_of(model, "gate_up_proj.weight"), (Shape{expected.gate_up, 8192}));
    EXPECT_EQ(shape_of(model, "down_proj.weight"), (Shape{8192, expected.down}));
    EXPECT_EQ(shape_of(model, "input_layernorm.weight"), (Shape{8192}));
    EXPECT_EQ(shape_at_ends(model, Part::embedding), (Shape{expected.vocabulary, 8192}));
    EXPECT_EQ(shape_at_ends(model, Part::head), (Shape{expected.vocabulary, 8192}));
  }
}

TEST(Shard, SharesOfAllGpusAreTheModel) {
  const Model whole = preset_model("llama3.1-8b");
  const Model one = sharded(whole, 4);
  const auto linear = [](const Model& model) {
    return model.bytes(Part::attention) + model.bytes(Part::mlp);
  };
  EXPECT_EQ(4 * linear(one), linear(whole));
  EXPECT_EQ(one.bytes(Part::norm), whole.bytes(Part::norm));
  EXPECT_EQ(4 * one.bytes(Part::embedding), whole.bytes(Part::embedding));
  const auto kv = kv_bytes_per_token(whole);
  const auto kv_of_one = kv_bytes_per_token(one);
  ASSERT_TRUE(kv && kv_of_one);
  EXPECT_EQ(4 * kv_of_one->front(), kv->front());
}

TEST(Shard, OfOneGpuIsTheModel) {
  const Model whole = preset_model("llama3.1-8b");
  const Model same = sharded(whole, 1);
  EXPECT_EQ(same.bytes(), whole.bytes());
  EXPECT_EQ(same.label(), "llama3.1-8b");
  EXPECT_EQ(sharded(whole, 2).label(), "llama3.1-8b.tp2");
  EXPECT_EQ(sharded(whole, 2).name, "llama3.1-8b");
}

// hidden 2048, 128 experts of 768, 32 heads of 128, 4 of keys and values.
TEST(Shard, DividesEachExpertAndRepeatsKeys) {
  for (const std::uint64_t gpus : {2, 4, 8}) {
    const Model model = share("qwen3-30b-a3b", gpus);
    EXPECT_EQ(shape_of(model, "experts.w13_weight"), (Shape{128, 2 * 768 / gpus, 2048}));
    EXPECT_EQ(shape_of(model, "experts.w2_weight"), (Shape{128, 2048, 768 / gpus}));
    const std::uint64_t keys = std::max<std::uint64_t>(1, 4 / gpus);
    EXPECT_EQ(shape_of(model, "qkv_proj.weight"), (Shape{(32 / gpus + 2 * keys) * 128, 2048}));
    EXPECT_EQ(shape_of(model, "gate.weight"), (Shape{128, 2048}));
  }
}

// hidden 7168, 128 heads, low ranks 1536 and 512 + 64, heads of 128 + 64 and 128 + 128, 256 experts
// of 2048, one shared; blocks of 128 x 128.
TEST(Shard, KeepsLatentInputsOfAttentionOnEveryGpu) {
  const Model model = share("deepseek-v3", 8);
  EXPECT_EQ(shape_of(model, "fused_qkv_a_proj.weight"), (Shape{1536 + 576, 7168}));
  EXPECT_EQ(shape_of(model, "q_b_proj.weight"), (Shape{16 * 192, 1536}));
  EXPECT_EQ(shape_of(model, "kv_b_proj.weight"), (Shape{16 * 256, 512}));
  EXPECT_EQ(shape_of(model, "kv_b_proj.weight_scale_inv"), (Shape{32, 4}));
  EXPECT_EQ(shape_of(model, "o_proj.weight"), (Shape{7168, 16 * 128}));
  EXPECT_EQ(shape_of(model, "o_proj.weight_scale_inv"), (Shape{56, 16}));
  EXPECT_EQ(shape_of(model, "experts.w13_weight"), (Shape{256, 512, 7168}));
  EXPECT_EQ(shape_of(model, "experts.w13_weight_scale_inv"), (Shape{256, 4, 56}));
  EXPECT_EQ(shape_of(model, "experts.w2_weight"), (Shape{256, 7168, 256}));
  EXPECT_EQ(shape_of(model, "shared_experts.gate_up_proj.weight"), (Shape{512, 7168}));
  const auto cached = kv_bytes_per_token(sharded(preset_model("deepseek-v3"), 8));
  ASSERT_TRUE(cached);
  EXPECT_EQ(cached->front(), 576U * 2);
}

// hidden 2880, experts of 2880 features in blocks of 32: 90 of them. 64 heads of 64, 8 of keys.
TEST(Shard, GivesWholeBlocksOfPackedExperts) {
  for (const auto& [gpus, blocks] :
       {std::pair<std::size_t, std::uint64_t>{2, 45}, {4, 23}, {8, 12}}) {
    const Model model = share("gpt-oss-120b", gpus);
    const std::uint64_t wide = blocks * 32;
    EXPECT_EQ(shape_of(model, "experts.w13_weight"), (Shape{128, 2 * wide, 90 * 16}));
    EXPECT_EQ(shape_of(model, "experts.w13_weight_scale"), (Shape{128, 2 * wide, 90}));
    EXPECT_EQ(shape_of(model, "experts.w13_bias"), (Shape{128, 2 * wide}));
    EXPECT_EQ(shape_of(model, "experts.w2_weight"), (Shape{128, 2880, blocks * 16}));
    EXPECT_EQ(shape_of(model, "experts.w2_weight_scale"), (Shape{128, 2880, blocks}));
    EXPECT_EQ(shape_of(model, "experts.w2_bias"), (Shape{128, 2880}));
    EXPECT_EQ(shape_of(model, "qkv_proj.bias"), (Shape{(64 / gpus + 2 * 8 / gpus) * 64}));
    EXPECT_EQ(shape_of(model, "o_proj.bias"), (Shape{2880}));
    EXPECT_EQ(shape_of(model, "sinks"), (Shape{64 / gpus}));
  }
}

TEST(Shard, RefusesWhatCannotBeShared) {
  EXPECT_EQ(refusal("phi-4", 4),
            "--tensor-parallel 4: phi-4: 10 heads of keys and values can neither be shared evenly "
            "nor repeated so");
  EXPECT_EQ(refusal("qwen2.5-7b", 8),
            "--tensor-parallel 8: qwen2.5-7b: 28 heads cannot be shared "
            "evenly");
  // 1536 features are 12 blocks of 128.
  EXPECT_EQ(
      refusal("minimax-m2", 8),
      "--tensor-parallel 8: minimax-m2: 12 of block_sparse_moe.experts.0.w1.weight_scale_inv,"
      " a number for each block of the format, cannot be shared evenly; give a divisor of it");
  EXPECT_EQ(refusal("nemotron-h-8b", 2),
            "--tensor-parallel 2: nemotron-h-8b: how engines divide mixer.in_proj.weight is not "
            "known here");
}

ModelTensor tensor(std::string name, std::string dtype, Shape shape, Part part,
                   std::uint64_t bytes) {
  std::uint64_t parameters = 1;
  for (const std::uint64_t length : shape) parameters *= length;
  return {std::move(name), std::move(dtype), std::move(shape), parameters, bytes, part};
}

TEST(Shard, CutsNoBlockOfAGguf) {
  Model model{"m", "llama", "m.gguf", {}, {}};
  model.layers.push_back(
      {{tensor("blk.0.ffn_down.weight", "Q4_K", {512, 1024}, Part::mlp, 512 * 1024 / 256 * 144)}});
  const Model two = sharded(model, 4);
  EXPECT_EQ(two.layers[0].tensors[0].shape, (Shape{512, 256}));
  EXPECT_EQ(two.layers[0].tensors[0].bytes, 512U * 144);
  EXPECT_EQ(testing::message_of<UsageError>([&] { sharded(model, 8); }),
            "--tensor-parallel 8: m: blocks of 256 in ffn_down.weight would be cut");
}

TEST(Shard, WantsToKnowTheHeads) {
  Model model{"m", "llama", "m.safetensors", {}, {}};
  model.layers.push_back({{tensor("model.layers.0.self_attn.q_proj.weight", "BF16", {512, 512},
                                  Part::attention, 512 * 512 * 2)}});
  EXPECT_EQ(testing::message_of<UsageError>([&] { sharded(model, 2); }),
            "--tensor-parallel 2: m: its files do not say how many heads self_attn.q_proj.weight "
            "is of; put its config.json beside them");
}

// GPTQ's matrices lie on their side: [inputs / 8, outputs], scales [groups, outputs].
TEST(Shard, FollowsPackedMatricesThatLieOnTheirSide) {
  Model model{"m", "llama", "m", {}, {}};
  model.layers.push_back(
      {{tensor("model.layers.0.mlp.down_proj.qweight", "I32", {128, 256}, Part::mlp, 128 * 256 * 4),
        tensor("model.layers.0.mlp.down_proj.scales", "F16", {8, 256}, Part::mlp, 8 * 256 * 2),
        tensor("model.layers.0.mlp.down_proj.g_idx", "I32", {1024}, Part::mlp, 4096),
        tensor("model.layers.0.mlp.up_proj.qweight", "I32", {32, 1024}, Part::mlp, 32 * 1024 * 4),
        tensor("model.layers.0.mlp.up_proj.scales", "F16", {2, 1024}, Part::mlp, 2 * 1024 * 2)}});
  const std::vector<ModelTensor> found = sharded(model, 4).layers[0].tensors;
  EXPECT_EQ(found[0].shape, (Shape{32, 256}));
  EXPECT_EQ(found[1].shape, (Shape{2, 256}));
  EXPECT_EQ(found[2].shape, (Shape{256}));
  EXPECT_EQ(found[3].shape, (Shape{32, 256}));
  EXPECT_EQ(found[4].shape, (Shape{2, 256}));
}

TEST(Shard, OfProjectionsHasANameOfItsOwn) {
  const std::vector<WeightSet> whole = find_preset_weights("llama3.1-70b.down_proj");
  const std::vector<WeightSet> one = find_preset_weights("llama3.1-70b.down_proj", 4);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].name, "llama3.1-70b.tp4.down_proj");
  EXPECT_EQ(one[0].tensor_parallel, 4U);
  EXPECT_EQ(4 * one[0].bytes(), whole[0].bytes());
}

}  // namespace
}  // namespace offload
