// SPDX-License-Identifier: Apache-2.0
// The engines' rules on small models and real ones, against what their sources say they do.
#include "bench/models/offload_rules.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string_view>

#include "bench/models/fuse.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

/// Layers as vLLM runs them, in execution order: norms of 1 MiB, matrices of 100 to 400 MiB.
Model dense_model(std::size_t layers) {
  Model model;
  model.name = "small";
  const auto tensor = [](std::size_t layer, const std::string& name, std::uint64_t size,
                         Part part) {
    return ModelTensor{"model.layers." + std::to_string(layer) + "." + name,
                       "BF16",
                       {size, MiB / 2},
                       size * MiB / 2,
                       size * MiB,
                       part};
  };
  for (std::size_t i = 0; i < layers; ++i) {
    model.layers.push_back({{
        tensor(i, "input_layernorm.weight", 1, Part::norm),
        tensor(i, "self_attn.qkv_proj.weight", 200, Part::attention),
        tensor(i, "self_attn.q_norm.weight", 1, Part::norm),
        tensor(i, "self_attn.o_proj.weight", 100, Part::attention),
        tensor(i, "post_attention_layernorm.weight", 1, Part::norm),
        tensor(i, "mlp.gate_up_proj.weight", 400, Part::mlp),
        tensor(i, "mlp.down_proj.weight", 300, Part::mlp),
    }});
  }
  return model;
}

/// "0.qkv_proj" for every tensor in host memory, in the order of the model.
std::multiset<std::string> moved(const Model& model, const OffloadRules& rules) {
  std::multiset<std::string> names;
  const Offloading result = offloading(model, rules);
  EXPECT_EQ(result.tensors.size(), model.layers.size());
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const auto& tensors = model.layers[layer].tensors;
    EXPECT_EQ(result.tensors[layer].size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!result.tensors[layer][i]) continue;
      std::string name(name_in_layer(tensors[i].name));
      if (name.ends_with(".weight")) name.resize(name.size() - 7);
      names.insert(std::to_string(layer) + "." + name.substr(name.rfind('.') + 1));
    }
  }
  return names;
}

using Set = std::multiset<std::string>;

constexpr double gib(std::uint64_t mib) { return static_cast<double>(mib) / 1024; }

TEST(OffloadRules, NoRuleMovesEveryLinearWeight) {
  EXPECT_EQ(moved(dense_model(2), {}),
            (Set{"0.qkv_proj", "0.o_proj", "0.gate_up_proj", "0.down_proj", "1.qkv_proj",
                 "1.o_proj", "1.gate_up_proj", "1.down_proj"}));
}

TEST(OffloadRules, TheBudgetTakesParametersInTheOrderModulesRegisterThem) {
  const Model model = dense_model(3);
  // 200 + 100 is reached with o_proj; norms come after the matrices.
  EXPECT_EQ(moved(model, {.cpu_offload_gb = gib(300)}), (Set{"0.qkv_proj", "0.o_proj"}));
  // One byte more takes the whole next parameter, here the 1 MiB of q_norm.
  EXPECT_EQ(moved(model, {.cpu_offload_gb = gib(300) + 1.0 / (1 << 30)}),
            (Set{"0.qkv_proj", "0.o_proj", "0.q_norm"}));
  // 301 of attention and 400 of gate_up pass 500.
  EXPECT_EQ(moved(model, {.cpu_offload_gb = gib(500)}),
            (Set{"0.qkv_proj", "0.o_proj", "0.q_norm", "0.gate_up_proj"}));
  // A layer is 1003 MiB; 1 MiB more begins the next.
  EXPECT_EQ(moved(model, {.cpu_offload_gb = gib(1004)}),
            (Set{"0.qkv_proj", "0.o_proj", "0.q_norm", "0.gate_up_proj", "0.down_proj",
                 "0.input_layernorm", "0.post_attention_layernorm", "1.qkv_proj"}));
  EXPECT_EQ(moved(model, {.cpu_offload_gb = 1e12}).size(), 21U) << "everything in the layers";
}

TEST(OffloadRules, TheBudgetMayBeForNamedParametersOnly) {
  const Model model = dense_model(3);
  EXPECT_EQ(moved(model, {.cpu_offload_gb = gib(500), .cpu_offload_params = {"down_proj"}}),
            (Set{"0.down_proj", "1.down_proj"}))
      << "300 is below 500, 600 is not";
  EXPECT_EQ(moved(model, {.cpu_offload_gb = 100, .cpu_offload_params = {"mlp.down_proj"}}),
            (Set{"0.down_proj", "1.down_proj", "2.down_proj"}));
  EXPECT_EQ(moved(model, {.cpu_offload_gb = 100, .cpu_offload_params = {"o_proj", "mlp.down_proj"}})
                .size(),
            6U);
}

TEST(OffloadRules, NamesAreWholeSegmentsWithinALayer) {
  EXPECT_TRUE(has_name_segments("mlp.experts.w2_weight", "experts"));
  EXPECT_TRUE(has_name_segments("mlp.experts.w2_weight", "experts.w2_weight"));
  EXPECT_TRUE(has_name_segments("mlp.experts.w2_weight", "mlp.experts.w2_weight"));
  for (const char* other :
       {"expert", "w2", "xperts", "weight", "mlp.expert", "", ".", "experts."}) {
    EXPECT_FALSE(has_name_segments("mlp.experts.w2_weight", other)) << other;
  }
  EXPECT_TRUE(has_name_segments("aa.a", "a")) << "a partial match before a whole one";
  EXPECT_EQ(name_in_layer("model.layers.31.mlp.experts.7.up_proj.weight"),
            "mlp.experts.7.up_proj.weight");
  EXPECT_EQ(name_in_layer("blk.3.ffn_up_exps.weight"), "ffn_up_exps.weight");
  EXPECT_EQ(name_in_layer("lm_head.weight"), "lm_head.weight");
  // vLLM asks each layer for its own names: neither "layers" nor a number is among them.
  for (const char* outer : {"layers", "0", "model", "down", "weights", "mlp.down_proj.weight.x"}) {
    EXPECT_THROW(offloading(dense_model(1), {.cpu_offload_gb = 1, .cpu_offload_params = {outer}}),
                 UsageError)
        << outer;
  }
}

TEST(OffloadRules, GroupsMoveTheirLastLayersWhole) {
  const Model model = dense_model(18);
  const Offloading result = offloading(model, {.group_size = 8, .num_in_group = 2});
  for (std::size_t layer = 0; layer < 18; ++layer) {
    const bool expected = layer == 6 || layer == 7 || layer == 14 || layer == 15;
    for (const bool flag : result.tensors[layer]) EXPECT_EQ(flag, expected) << layer;
  }
  EXPECT_TRUE(result.warnings.empty());
  EXPECT_EQ(moved(dense_model(5), {.group_size = 2, .offload_params = {"o_proj", "q_norm"}}),
            (Set{"1.o_proj", "1.q_norm", "3.o_proj", "3.q_norm"}));
  EXPECT_EQ(moved(dense_model(2), {.group_size = 1}).size(), 14U);
}

TEST(OffloadRules, GroupsWinOverABudgetAndSaySo) {
  const Model model = dense_model(4);
  const Offloading both = offloading(model, {.cpu_offload_gb = 0.2, .group_size = 4});
  EXPECT_EQ(both.tensors, offloading(model, {.group_size = 4}).tensors);
  ASSERT_EQ(both.warnings.size(), 1U);
  EXPECT_NE(both.warnings[0].find("--cpu-offload-gb is ignored"), std::string::npos);
}

TEST(OffloadRules, ExpertsOfTheFirstLayersMoveForLlamaCpp) {
  const Model qwen = fused(preset_model("qwen3-30b-a3b"));
  EXPECT_EQ(moved(qwen, {.n_cpu_moe = 2}),
            (Set{"0.w13_weight", "0.w2_weight", "1.w13_weight", "1.w2_weight"}));
  EXPECT_TRUE(moved(qwen, {.n_cpu_moe = 0}).empty());
  EXPECT_EQ(moved(qwen, {.n_cpu_moe = 1000}).size(), 96U) << "all layers";
  // Layers are counted from the first, dense or not; shared experts stay.
  const Model deepseek = fused(preset_model("deepseek-v3"));
  EXPECT_EQ(
      moved(deepseek, {.n_cpu_moe = 4}),
      (Set{"3.w13_weight", "3.w2_weight", "3.w13_weight_scale_inv", "3.w2_weight_scale_inv"}));
}

/// llama.cpp keeps layer i on the CPU where i < n_layer + 1 - ngl, and layer n_layer is the output.
TEST(OffloadRules, TheFirstLayersMoveForLlamaCppWhichCountsTheOutputLayer) {
  const Model model = dense_model(4);
  for (std::size_t ngl = 0; ngl < 8; ++ngl) {
    const Offloading result = offloading(model, {.n_gpu_layers = ngl});
    for (std::size_t layer = 0; layer < 4; ++layer) {
      const bool on_cpu = layer + ngl < 4 + 1;
      EXPECT_EQ(result.tensors[layer], std::vector<bool>(7, on_cpu)) << ngl << ", " << layer;
    }
    EXPECT_EQ(result.warnings.size(), ngl == 0 ? 1U : 0U) << ngl;
  }
  EXPECT_NE(offloading(model, {.n_gpu_layers = 0}).warnings[0].find("output layer"),
            std::string::npos);
}

TEST(OffloadRules, ExpertsAndWholeLayersMoveTogetherForLlamaCpp) {
  const Model qwen = fused(preset_model("qwen3-30b-a3b"));
  // 46 of 48 layers are on the GPU, of the first four of all only the experts are not.
  const std::multiset<std::string> both = moved(qwen, {.n_cpu_moe = 4, .n_gpu_layers = 47});
  EXPECT_EQ(both.count("1.qkv_proj"), 1U);
  EXPECT_EQ(both.count("1.w2_weight"), 1U);
  EXPECT_EQ(both.count("2.qkv_proj"), 0U);
  EXPECT_EQ(both.count("3.w2_weight"), 1U);
  EXPECT_EQ(both.count("4.w2_weight"), 0U);
  EXPECT_EQ(moved(qwen, {.n_cpu_moe = 4, .n_gpu_layers = 99}), moved(qwen, {.n_cpu_moe = 4}));
}

TEST(OffloadRules, RealModelsMoveWhatTheirSizesSay) {
  // Fused Llama-3.1-8B: qkv 48 MiB, o 32, gate_up 224, down 112, two norms of 8 KiB.
  const Model llama = fused(preset_model("llama3.1-8b"));
  EXPECT_EQ(moved(llama, {.cpu_offload_gb = gib(416)}),
            (Set{"0.qkv_proj", "0.o_proj", "0.gate_up_proj", "0.down_proj"}));
  EXPECT_EQ(moved(llama, {.cpu_offload_gb = gib(417)}),
            (Set{"0.qkv_proj", "0.o_proj", "0.gate_up_proj", "0.down_proj", "0.input_layernorm",
                 "0.post_attention_layernorm", "1.qkv_proj"}));
  // gpt-oss keeps its module's own parameter, the sinks, before those of its projections.
  EXPECT_EQ(moved(fused(preset_model("gpt-oss-20b")), {.cpu_offload_gb = 1e-9}), (Set{"0.sinks"}));
  // Without a rule quantised weights take their scales along, and leave biases and routers.
  const std::multiset<std::string> gpt_oss = moved(fused(preset_model("gpt-oss-20b")), {});
  EXPECT_EQ(gpt_oss.size(), 24U * 6);
  for (const char* name : {"23.qkv_proj", "23.o_proj", "23.w13_weight", "23.w13_weight_scale",
                           "23.w2_weight", "23.w2_weight_scale"}) {
    EXPECT_EQ(gpt_oss.count(name), 1U) << name;
  }
}

TEST(OffloadRules, RulesThatContradictEachOtherAreRefused) {
  const Model dense = dense_model(4);
  const Model experts = fused(preset_model("mixtral-8x7b"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  for (const OffloadRules& rules : {
           OffloadRules{.cpu_offload_gb = -1},
           OffloadRules{.cpu_offload_gb = nan},
           OffloadRules{.cpu_offload_gb = infinite},
           OffloadRules{.cpu_offload_params = {"mlp"}},
           OffloadRules{.num_in_group = 2},
           OffloadRules{.offload_params = {"mlp"}},
           OffloadRules{.group_size = 2, .num_in_group = 3},
           OffloadRules{.group_size = 2, .num_in_group = 0},
           OffloadRules{.group_size = 2, .prefetch_step = 0},
           OffloadRules{.group_size = 2, .offload_params = {"experts"}},
           OffloadRules{.n_cpu_moe = 1},
       }) {
    EXPECT_THROW(offloading(dense, rules), UsageError);
  }
  EXPECT_THROW(offloading(experts, {.cpu_offload_gb = 1, .n_cpu_moe = 1}), UsageError);
  EXPECT_THROW(offloading(experts, {.group_size = 2, .n_cpu_moe = 1}), UsageError);
  EXPECT_THROW(offloading(dense, {.cpu_offload_gb = 1, .n_gpu_layers = 1}), UsageError);
  EXPECT_THROW(offloading(dense, {.group_size = 2, .n_gpu_layers = 1}), UsageError);
  EXPECT_THROW(offloading(experts, {.cpu_offload_gb = 1, .cpu_offload_params = {"w2"}}),
               UsageError);
  EXPECT_NO_THROW(
      offloading(experts, {.cpu_offload_gb = 1, .cpu_offload_params = {"experts.w2_weight"}}));
}

}  // namespace
}  // namespace offload
