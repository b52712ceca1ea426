// SPDX-License-Identifier: Apache-2.0
// vLLM's tensors, as its sources name and shape them, from the checkpoints' own.
#include "bench/models/fuse.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/models/linear_weights.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

struct Line {
  std::string name;  // within the layer
  std::string dtype;
  std::vector<std::uint64_t> shape;
};
bool operator==(const Line& a, const Line& b) {
  return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape;
}
void PrintTo(const Line& line, std::ostream* out) {
  *out << line.name << " " << line.dtype << " " << testing::PrintToString(line.shape);
}

std::vector<Line> lines(const ModelLayer& layer) {
  std::vector<Line> result;
  for (const ModelTensor& tensor : layer.tensors) {
    result.push_back({std::string(name_in_layer(tensor.name)), tensor.dtype, tensor.shape});
  }
  return result;
}

std::vector<Line> preset_layer(const char* model, std::size_t layer) {
  return lines(fused(preset_model(model)).layers.at(layer));
}

/// A bf16 tensor of a layer of its own.
ModelTensor tensor(const std::string& name, std::vector<std::uint64_t> shape,
                   const std::string& dtype = "BF16") {
  ModelTensor result{"model.layers.0." + name, dtype, std::move(shape), 1, 0, Part::other};
  for (const std::uint64_t length : result.shape) result.parameters *= length;
  result.bytes = 2 * result.parameters;
  return result;
}

std::vector<Line> fused_layer(std::vector<ModelTensor> tensors) {
  Model model;
  model.layers.push_back({std::move(tensors)});
  const Model result = fused(model);
  EXPECT_EQ(result.parameters(), model.parameters());
  EXPECT_EQ(result.bytes(), model.bytes());
  return lines(result.layers.at(0));
}

TEST(Fuse, ADenseLayerHasFourProjections) {
  EXPECT_EQ(preset_layer("qwen2.5-7b", 27),
            (std::vector<Line>{{"input_layernorm.weight", "BF16", {3584}},
                               {"self_attn.qkv_proj.weight", "BF16", {4608, 3584}},
                               {"self_attn.qkv_proj.bias", "BF16", {4608}},
                               {"self_attn.o_proj.weight", "BF16", {3584, 3584}},
                               {"post_attention_layernorm.weight", "BF16", {3584}},
                               {"mlp.gate_up_proj.weight", "BF16", {37888, 3584}},
                               {"mlp.down_proj.weight", "BF16", {3584, 18944}}}));
}

TEST(Fuse, ExpertsAreStacked) {
  EXPECT_EQ(preset_layer("qwen3-30b-a3b", 0),
            (std::vector<Line>{{"input_layernorm.weight", "BF16", {2048}},
                               {"self_attn.qkv_proj.weight", "BF16", {5120, 2048}},
                               {"self_attn.q_norm.weight", "BF16", {128}},
                               {"self_attn.k_norm.weight", "BF16", {128}},
                               {"self_attn.o_proj.weight", "BF16", {2048, 4096}},
                               {"post_attention_layernorm.weight", "BF16", {2048}},
                               {"mlp.gate.weight", "BF16", {128, 2048}},
                               {"mlp.experts.w13_weight", "BF16", {128, 1536, 2048}},
                               {"mlp.experts.w2_weight", "BF16", {128, 2048, 768}}}));
  const std::vector<Line> mixtral = preset_layer("mixtral-8x7b", 31);
  ASSERT_EQ(mixtral.size(), 7U);
  EXPECT_EQ(mixtral[5], (Line{"block_sparse_moe.experts.w13_weight", "BF16", {8, 28672, 4096}}));
  EXPECT_EQ(mixtral[6], (Line{"block_sparse_moe.experts.w2_weight", "BF16", {8, 4096, 14336}}));
}

TEST(Fuse, ExpertsWithoutAGateHaveTheirInputsInW13) {
  const std::string expert = "mixer.experts.";
  EXPECT_EQ(fused_layer({tensor(expert + "0.up_proj.weight", {6, 4}),
                         tensor(expert + "0.down_proj.weight", {4, 6}),
                         tensor(expert + "1.up_proj.weight", {6, 4}),
                         tensor(expert + "1.down_proj.weight", {4, 6})}),
            (std::vector<Line>{{expert + "w13_weight", "BF16", {2, 6, 4}},
                               {expert + "w2_weight", "BF16", {2, 4, 6}}}));
}

TEST(Fuse, LatentAttentionHasOneInputProjection) {
  EXPECT_EQ(
      preset_layer("deepseek-v3", 60),
      (std::vector<Line>{{"input_layernorm.weight", "BF16", {7168}},
                         {"self_attn.fused_qkv_a_proj.weight", "F8_E4M3", {2112, 7168}},
                         {"self_attn.fused_qkv_a_proj.weight_scale_inv", "F32", {17, 56}},
                         {"self_attn.q_a_layernorm.weight", "BF16", {1536}},
                         {"self_attn.q_b_proj.weight", "F8_E4M3", {24576, 1536}},
                         {"self_attn.q_b_proj.weight_scale_inv", "F32", {192, 12}},
                         {"self_attn.kv_a_layernorm.weight", "BF16", {512}},
                         {"self_attn.kv_b_proj.weight", "F8_E4M3", {32768, 512}},
                         {"self_attn.kv_b_proj.weight_scale_inv", "F32", {256, 4}},
                         {"self_attn.o_proj.weight", "F8_E4M3", {7168, 16384}},
                         {"self_attn.o_proj.weight_scale_inv", "F32", {56, 128}},
                         {"post_attention_layernorm.weight", "BF16", {7168}},
                         {"mlp.gate.weight", "BF16", {256, 7168}},
                         {"mlp.gate.e_score_correction_bias", "F32", {256}},
                         {"mlp.shared_experts.gate_up_proj.weight", "F8_E4M3", {4096, 7168}},
                         {"mlp.shared_experts.gate_up_proj.weight_scale_inv", "F32", {32, 56}},
                         {"mlp.shared_experts.down_proj.weight", "F8_E4M3", {7168, 2048}},
                         {"mlp.shared_experts.down_proj.weight_scale_inv", "F32", {56, 16}},
                         {"mlp.experts.w13_weight", "F8_E4M3", {256, 4096, 7168}},
                         {"mlp.experts.w2_weight", "F8_E4M3", {256, 7168, 2048}},
                         {"mlp.experts.w13_weight_scale_inv", "F32", {256, 32, 56}},
                         {"mlp.experts.w2_weight_scale_inv", "F32", {256, 56, 16}}}));
}

TEST(Fuse, GptOssTakesTheEnginesNames) {
  EXPECT_EQ(preset_layer("gpt-oss-20b", 0),
            (std::vector<Line>{{"input_layernorm.weight", "BF16", {2880}},
                               {"attn.qkv_proj.weight", "BF16", {5120, 2880}},
                               {"attn.qkv_proj.bias", "BF16", {5120}},
                               {"attn.sinks", "BF16", {64}},
                               {"attn.o_proj.weight", "BF16", {2880, 4096}},
                               {"attn.o_proj.bias", "BF16", {2880}},
                               {"post_attention_layernorm.weight", "BF16", {2880}},
                               {"mlp.router.weight", "BF16", {32, 2880}},
                               {"mlp.router.bias", "BF16", {32}},
                               {"mlp.experts.w13_weight", "U8", {32, 5760, 1440}},
                               {"mlp.experts.w13_weight_scale", "U8", {32, 5760, 90}},
                               {"mlp.experts.w13_bias", "BF16", {32, 5760}},
                               {"mlp.experts.w2_weight", "U8", {32, 2880, 1440}},
                               {"mlp.experts.w2_weight_scale", "U8", {32, 2880, 90}},
                               {"mlp.experts.w2_bias", "BF16", {32, 2880}}}));
  EXPECT_EQ(fused(preset_model("gpt-oss-20b")).ends.at(0).name, "model.embedding.weight");
}

TEST(Fuse, PackedMatricesAreJoinedAlongTheirOutputs) {
  const auto three = [](const std::string& kind, const std::string& dtype,
                        const std::vector<std::vector<std::uint64_t>>& shapes) {
    return std::vector<ModelTensor>{tensor("self_attn.q_proj." + kind, shapes[0], dtype),
                                    tensor("self_attn.k_proj." + kind, shapes[1], dtype),
                                    tensor("self_attn.v_proj." + kind, shapes[1], dtype)};
  };
  struct Case {
    std::string kind;
    std::string dtype;
    std::vector<std::vector<std::uint64_t>> shapes;
    std::vector<std::uint64_t> joined;
  };
  // Of 256 -> 256 and 256 -> 128, in groups of 128.
  for (const Case& one :
       {Case{"weight_packed", "I32", {{256, 32}, {128, 32}}, {512, 32}},
        Case{"weight_scale", "BF16", {{256, 2}, {128, 2}}, {512, 2}},
        Case{"weight_zero_point", "I32", {{32, 2}, {16, 2}}, {64, 2}},
        Case{"weight_global_scale", "F32", {{1}, {1}}, {3}},
        Case{"weight_scale_2", "F32", {{}, {}}, {3}}, Case{"input_scale", "F32", {{}, {}}, {3}},
        Case{"qweight", "I32", {{32, 256}, {32, 128}}, {32, 512}},
        Case{"qzeros", "I32", {{2, 32}, {2, 16}}, {2, 64}},
        Case{"scales", "F16", {{2, 256}, {2, 128}}, {2, 512}}}) {
    EXPECT_EQ(fused_layer(three(one.kind, one.dtype, one.shapes)),
              (std::vector<Line>{{"self_attn.qkv_proj." + one.kind, one.dtype, one.joined}}));
  }
}

TEST(Fuse, PackedExpertsAreStackedUnderTheEnginesNames) {
  std::vector<ModelTensor> tensors;
  for (const std::string expert : {"mlp.experts.0.", "mlp.experts.1."}) {
    for (const std::string matrix : {"gate_proj.", "up_proj.", "down_proj."}) {
      tensors.push_back(tensor(expert + matrix + "qweight", {32, 256}, "I32"));
      tensors.push_back(tensor(expert + matrix + "scales", {2, 256}, "F16"));
      tensors.push_back(tensor(expert + matrix + "input_scale", {}, "F32"));
    }
  }
  const std::vector<Line> layer = fused_layer(std::move(tensors));
  ASSERT_EQ(layer.size(), 6U);
  const auto holds = [&](const Line& line) {
    return std::find(layer.begin(), layer.end(), line) != layer.end();
  };
  EXPECT_EQ(layer[0], (Line{"mlp.experts.w13_qweight", "I32", {2, 32, 512}}));
  EXPECT_EQ(layer[1], (Line{"mlp.experts.w2_qweight", "I32", {2, 32, 256}}));
  EXPECT_TRUE(holds({"mlp.experts.w13_scales", "F16", {2, 2, 512}}));
  EXPECT_TRUE(holds({"mlp.experts.w2_scales", "F16", {2, 2, 256}}));
  EXPECT_TRUE(holds({"mlp.experts.w13_input_scale", "F32", {2, 2}}));
  EXPECT_TRUE(holds({"mlp.experts.w2_input_scale", "F32", {2}}));
}

TEST(Fuse, ExpertsWithoutGatesAreStackedAsTheyAre) {
  EXPECT_EQ(fused_layer({tensor("mixer.experts.0.up_proj.weight", {24, 8}),
                         tensor("mixer.experts.0.down_proj.weight", {8, 24}),
                         tensor("mixer.experts.1.up_proj.weight", {24, 8}),
                         tensor("mixer.experts.1.down_proj.weight", {8, 24})}),
            (std::vector<Line>{{"mixer.experts.w13_weight", "BF16", {2, 24, 8}},
                               {"mixer.experts.w2_weight", "BF16", {2, 8, 24}}}));
}

TEST(Fuse, StacksNamedAsModulesTakeTheEnginesNames) {
  const auto stack = [](const std::string& name, std::vector<std::uint64_t> shape) {
    ModelTensor result = tensor(name, std::move(shape));
    result.part = Part::experts;
    return result;
  };
  EXPECT_EQ(fused_layer({stack("block_sparse_moe.input_linear.weight", {8, 512, 256}),
                         stack("block_sparse_moe.output_linear.weight", {8, 256, 256}),
                         tensor("shared_mlp.input_linear.weight", {64, 256})}),
            (std::vector<Line>{{"block_sparse_moe.experts.w13_weight", "BF16", {8, 512, 256}},
                               {"block_sparse_moe.experts.w2_weight", "BF16", {8, 256, 256}},
                               {"shared_mlp.input_linear.weight", "BF16", {64, 256}}}));
  // Joined they are as many experts as before.
  EXPECT_EQ(fused_layer({stack("moe.gate_proj.weight", {8, 64, 256}),
                         stack("moe.up_proj.weight", {8, 64, 256}),
                         stack("moe.down_proj.weight", {8, 256, 64})}),
            (std::vector<Line>{{"moe.experts.w13_weight", "BF16", {8, 128, 256}},
                               {"moe.experts.w2_weight", "BF16", {8, 256, 64}}}));
  EXPECT_EQ(fused_layer({stack("ffn.experts.mlp.w1", {8, 64, 256}),
                         stack("ffn.experts.mlp.v1", {8, 64, 256}),
                         stack("ffn.experts.mlp.w2", {8, 64, 256})}),
            (std::vector<Line>{{"ffn.experts.w13_weight", "BF16", {8, 128, 256}},
                               {"ffn.experts.w2_weight", "BF16", {8, 256, 64}}}));
  EXPECT_EQ(fused_layer({stack("mlp.experts.down_proj.weight", {8, 256, 64})}),
            (std::vector<Line>{{"mlp.experts.w2_weight", "BF16", {8, 256, 64}}}));
}

TEST(Fuse, UnpackedStacksAreTurnedToRowsOfOutputs) {
  EXPECT_EQ(fused_layer({tensor("mlp.experts.gate_up_proj", {4, 64, 320}),
                         tensor("mlp.experts.down_proj", {4, 160, 64})}),
            (std::vector<Line>{{"mlp.experts.w13_weight", "BF16", {4, 320, 64}},
                               {"mlp.experts.w2_weight", "BF16", {4, 64, 160}}}));
}

TEST(Fuse, TheOrderOfTheFileDoesNotMatter) {
  EXPECT_EQ(
      fused_layer(
          {tensor("mlp.down_proj.weight", {8, 24}), tensor("mlp.up_proj.weight", {24, 8}),
           tensor("self_attn.k_proj.weight", {2, 8}), tensor("mlp.gate_proj.weight", {24, 8}),
           tensor("self_attn.v_proj.weight", {2, 8}), tensor("self_attn.q_proj.weight", {8, 8})}),
      (std::vector<Line>{{"mlp.down_proj.weight", "BF16", {8, 24}},
                         {"mlp.gate_up_proj.weight", "BF16", {48, 8}},
                         {"self_attn.qkv_proj.weight", "BF16", {12, 8}}}));
  EXPECT_EQ(
      fused_layer(
          {tensor("x.experts.1.w2.weight", {8, 24}), tensor("x.experts.1.w3.weight", {24, 8}),
           tensor("x.experts.0.w1.weight", {24, 8}), tensor("x.experts.0.w2.weight", {8, 24}),
           tensor("x.experts.0.w3.weight", {24, 8}), tensor("x.experts.1.w1.weight", {24, 8})}),
      (std::vector<Line>{{"x.experts.w13_weight", "BF16", {2, 48, 8}},
                         {"x.experts.w2_weight", "BF16", {2, 8, 24}}}));
}

TEST(Fuse, WhatDoesNotBelongTogetherStaysApart) {
  const std::vector<std::vector<ModelTensor>> layers{
      // A part is missing.
      {tensor("self_attn.q_proj.weight", {8, 8}), tensor("self_attn.k_proj.weight", {2, 8})},
      {tensor("mlp.gate_proj.weight", {24, 8})},
      // Other columns, another dtype, other modules.
      {tensor("mlp.gate_proj.weight", {24, 8}), tensor("mlp.up_proj.weight", {24, 9})},
      {tensor("mlp.gate_proj.weight", {24, 8}), tensor("mlp.up_proj.weight", {24, 8}, "F16")},
      {tensor("a.gate_proj.weight", {24, 8}), tensor("b.up_proj.weight", {24, 8})},
      // Other inputs, which lie along the rows of what is packed so.
      {tensor("mlp.gate_proj.qweight", {24, 8}), tensor("mlp.up_proj.qweight", {16, 8})},
      {tensor("mlp.gate_proj.codes", {24, 8}), tensor("mlp.up_proj.codes", {24, 8})},
      // Experts that differ, or whose gate has no up.
      {tensor("mlp.experts.0.down_proj.weight", {8, 24}),
       tensor("mlp.experts.1.down_proj.weight", {8, 32})},
      {tensor("mlp.experts.0.gate_proj.weight", {24, 8})},
      {tensor("mlp.experts.0.w1.weight", {24, 8}), tensor("mlp.experts.1.w1.weight", {24, 8})},
      // Names of another convention.
      {tensor("ffn_gate.weight", {24, 8}), tensor("ffn_up.weight", {24, 8})},
      {tensor("weight", {1}), tensor(".", {1}), tensor("", {1}), tensor("7.w1.weight", {2, 2})},
  };
  for (const std::vector<ModelTensor>& layer : layers) {
    EXPECT_EQ(fused_layer(layer), lines({layer}));
  }
}

TEST(Fuse, LinearWeightsAreTheMatricesOfAPass) {
  const ModelLayer layer = fused(preset_model("gpt-oss-20b")).layers.at(0);
  std::vector<std::string> weights;
  for (const ModelTensor& tensor : layer.tensors) {
    if (is_linear_weight(tensor)) weights.emplace_back(name_in_layer(tensor.name));
  }
  EXPECT_EQ(weights, (std::vector<std::string>{"attn.qkv_proj.weight", "attn.o_proj.weight",
                                               "mlp.experts.w13_weight", "mlp.experts.w2_weight"}));
  EXPECT_FALSE(as_weight(layer.tensors[9], "w13")) << "two values in a byte have no dtype";
  const ModelLayer qwen = fused(preset_model("qwen3-30b-a3b")).layers.at(0);
  const std::optional<WeightTensor> stack = as_weight(qwen.tensors[7], "w13");
  ASSERT_TRUE(stack.has_value());
  EXPECT_EQ(stack->rows, 128U * 1536);
  EXPECT_EQ(stack->cols, 2048U);
  EXPECT_EQ(stack->bytes(), qwen.tensors[7].bytes);
  EXPECT_FALSE(as_weight(qwen.tensors[6], "gate")) << "the router is no linear weight";
}

TEST(Fuse, StackedExpertsMayStandAsRowsOfOutputsAlready) {
  const auto w13_shape = [](std::vector<std::uint64_t> up, std::vector<std::uint64_t> down) {
    Model model;
    model.layers.push_back({{tensor("model.layers.0.mlp.experts.gate_up_proj", std::move(up)),
                             tensor("model.layers.0.mlp.experts.down_proj", std::move(down))}});
    return fused(model).layers[0].tensors[0].shape;
  };
  const std::vector<std::uint64_t> rows_of_outputs{4, 32, 64};
  EXPECT_EQ(w13_shape({4, 64, 32}, {4, 16, 64}), rows_of_outputs);
  EXPECT_EQ(w13_shape({4, 32, 64}, {4, 64, 16}), rows_of_outputs);
}

}  // namespace
}  // namespace offload
