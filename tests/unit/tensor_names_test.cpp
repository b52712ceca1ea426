// SPDX-License-Identifier: Apache-2.0
// Tensor names of real checkpoints, and what is told from them.
#include "bench/models/tensor_names.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "bench/models/layers.hpp"

namespace offload {
namespace {

TEST(TensorNames, FindTheLayer) {
  struct Case {
    std::string_view name;
    std::string_view stack;
    std::uint64_t layer;
    std::string_view rest;
  };
  for (const Case& name : {
           Case{"model.layers.31.mlp.down_proj.weight", "model.layers", 31, "mlp.down_proj.weight"},
           Case{"language_model.model.layers.0.self_attn.q_proj.weight",
                "language_model.model.layers", 0, "self_attn.q_proj.weight"},
           Case{"model.language_model.layers.7.input_layernorm.weight",
                "model.language_model.layers", 7, "input_layernorm.weight"},
           Case{"transformer.h.2.attn.c_attn.weight", "transformer.h", 2, "attn.c_attn.weight"},
           Case{"gpt_neox.layers.5.mlp.dense_h_to_4h.bias", "gpt_neox.layers", 5,
                "mlp.dense_h_to_4h.bias"},
           Case{"backbone.layers.9.mixer.in_proj.weight", "backbone.layers", 9,
                "mixer.in_proj.weight"},
           Case{"model.layers.3.mlp.experts.17.up_proj.weight", "model.layers", 3,
                "mlp.experts.17.up_proj.weight"},
           Case{"blk.12.ffn_gate_exps.weight", "blk", 12, "ffn_gate_exps.weight"},
       }) {
    const TensorPlace place = place_of(name.name);
    EXPECT_EQ(place.stack, name.stack);
    EXPECT_EQ(place.layer, name.layer) << name.name;
    EXPECT_EQ(place.rest, name.rest);
  }
  for (const std::string_view name :
       {"model.embed_tokens.weight", "lm_head.weight", "token_embd.weight", "", ".", "layers.",
        "layers.3", "layers.-1.x", "layers.x.y", "layers.12345678901.x", "layers.1e3.x"}) {
    EXPECT_FALSE(place_of(name).layer) << name;
    EXPECT_EQ(place_of(name).rest, name);
  }
}

TEST(TensorNames, TellThePartInALayer) {
  struct Case {
    Part part;
    std::string_view rest;
  };
  for (const Case& name : {
           Case{Part::attention, "self_attn.q_proj.weight"},
           Case{Part::attention, "self_attn.qkv_proj.weight"},
           Case{Part::attention, "self_attn.kv_a_proj_with_mqa.weight"},
           Case{Part::attention, "self_attn.sinks"},
           Case{Part::attention, "self_attn.o_proj.weight_scale_inv"},
           Case{Part::attention, "linear_attn.in_proj_qkvz.weight"},
           Case{Part::attention, "attn.c_attn.weight"},
           Case{Part::attention, "mixer.in_proj.weight"},
           Case{Part::attention, "attn_kv_b.weight"},
           Case{Part::attention, "attn_gate.weight"},
           Case{Part::attention, "ssm_conv1d.weight"},
           Case{Part::mlp, "mlp.gate_proj.weight"},
           Case{Part::mlp, "mlp.c_fc.weight"},
           Case{Part::mlp, "mixer.up_proj.weight"},
           Case{Part::mlp, "ffn_gate.weight"},
           Case{Part::mlp, "ffn_down.bias"},
           Case{Part::experts, "mlp.experts.17.gate_proj.weight"},
           Case{Part::experts, "block_sparse_moe.experts.3.w1.weight"},
           Case{Part::experts, "mlp.experts.gate_up_proj_blocks"},
           Case{Part::experts, "feed_forward.experts.down_proj"},
           Case{Part::experts, "ffn_up_exps.weight"},
           Case{Part::experts, "ffn_up.3.weight"},
           Case{Part::shared_expert, "mlp.shared_experts.up_proj.weight"},
           Case{Part::shared_expert, "mlp.shared_expert.up_proj.weight"},
           Case{Part::shared_expert, "feed_forward.shared_expert.gate_proj.weight"},
           Case{Part::shared_expert, "ffn_up_shexp.weight"},
           Case{Part::router, "mlp.gate.weight"},
           Case{Part::router, "mlp.gate.e_score_correction_bias"},
           Case{Part::router, "mlp.router.weight"},
           Case{Part::router, "mlp.shared_expert_gate.weight"},
           Case{Part::router, "block_sparse_moe.gate.weight"},
           Case{Part::router, "ffn_gate_inp.weight"},
           Case{Part::router, "exp_probs_b.bias"},
           Case{Part::norm, "input_layernorm.weight"},
           Case{Part::norm, "post_attention_layernorm.weight"},
           Case{Part::norm, "self_attn.q_norm.weight"},
           Case{Part::norm, "self_attn.kv_a_layernorm.weight"},
           Case{Part::norm, "ln_1.bias"},
           Case{Part::norm, "ffn_norm.weight"},
           Case{Part::norm, "attn_q_a_norm.weight"},
           Case{Part::other, "rope_freqs.weight"},
           Case{Part::embedding, "engram.multi_head_embedding.embedding.weight"},
           Case{Part::other, "layer_scalar"},
       }) {
    EXPECT_EQ(part_in_layer(name.rest), name.part) << name.rest;
  }
}

TEST(TensorNames, TellThePartOutsideTheLayers) {
  EXPECT_EQ(part_outside("model.embed_tokens.weight"), Part::embedding);
  EXPECT_EQ(part_outside("transformer.wte.weight"), Part::embedding);
  EXPECT_EQ(part_outside("token_embd.weight"), Part::embedding);
  EXPECT_EQ(part_outside("lm_head.weight"), Part::head);
  EXPECT_EQ(part_outside("output.weight"), Part::head);
  EXPECT_EQ(part_outside("model.llm.embed.weight"), Part::embedding);
  EXPECT_EQ(part_outside("model.llm.unembed.weight"), Part::head);
  EXPECT_EQ(part_outside("model.norm.weight"), Part::norm);
  EXPECT_EQ(part_outside("output_norm.weight"), Part::norm);
  EXPECT_EQ(part_outside("transformer.ln_f.weight"), Part::norm);
  EXPECT_EQ(part_outside("rope_freqs.weight"), Part::other);
  EXPECT_EQ(part_outside("multi_modal_projector.linear_1.weight"), Part::tower);
  EXPECT_EQ(part_outside("vision_tower.post_layernorm.weight"), Part::tower);
  EXPECT_EQ(part_outside("v.post_ln.weight"), Part::tower);
  EXPECT_EQ(part_outside("model.mtp_layers.0.up_proj.weight"), Part::drafting);
}

TEST(TensorNames, KnowTextFromOtherTowers) {
  EXPECT_TRUE(is_text("model.layers"));
  EXPECT_TRUE(is_text("blk"));
  EXPECT_FALSE(is_text("visual.blocks"));
  EXPECT_FALSE(is_text("vision_tower.vision_model.encoder.layers"));
  EXPECT_FALSE(is_text("v.blk"));
  EXPECT_FALSE(is_text("mtp.layers"));
}

ExecutionOrder order(std::string_view rest) { return order_in_layer(rest, part_in_layer(rest)); }

TEST(TensorNames, OrderTheLatentAttentionAndTheMixtureOfADeepSeekLayer) {
  const std::string_view run[] = {"input_layernorm.weight",
                                  "self_attn.q_a_proj.weight",
                                  "self_attn.q_a_proj.weight_scale_inv",
                                  "self_attn.q_a_layernorm.weight",
                                  "self_attn.q_b_proj.weight",
                                  "self_attn.kv_a_proj_with_mqa.weight",
                                  "self_attn.kv_a_layernorm.weight",
                                  "self_attn.kv_b_proj.weight",
                                  "self_attn.o_proj.weight",
                                  "post_attention_layernorm.weight",
                                  "mlp.gate.weight",
                                  "mlp.shared_experts.gate_proj.weight",
                                  "mlp.shared_experts.down_proj.weight",
                                  "mlp.experts.0.gate_proj.weight",
                                  "mlp.experts.0.up_proj.weight",
                                  "mlp.experts.0.down_proj.weight",
                                  "mlp.experts.1.gate_proj.weight"};
  for (std::size_t i = 1; i < std::size(run); ++i) {
    EXPECT_LT(order(run[i - 1]), order(run[i])) << run[i];
  }
}

TEST(TensorNames, OrderTheFourNormsOfAGemmaLayer) {
  const std::string_view run[] = {"input_layernorm.weight",
                                  "self_attn.q_proj.weight",
                                  "self_attn.o_proj.weight",
                                  "post_attention_layernorm.weight",
                                  "pre_feedforward_layernorm.weight",
                                  "mlp.gate_proj.weight",
                                  "mlp.down_proj.weight",
                                  "post_feedforward_layernorm.weight"};
  for (std::size_t i = 1; i < std::size(run); ++i) {
    EXPECT_LT(order(run[i - 1]), order(run[i])) << run[i];
  }
}

TEST(TensorNames, MakePlainModelNames) {
  EXPECT_EQ(plain_model_name("Llama-3.1-8B_Instruct"), "Llama-3.1-8B_Instruct");
  EXPECT_EQ(plain_model_name("Qwen/Qwen3 30B, A3B"), "Qwen-Qwen3-30B--A3B");
  EXPECT_EQ(plain_model_name("\xe6\xa8\xa1"), "model");
  EXPECT_EQ(plain_model_name(""), "model");
  EXPECT_EQ(plain_model_name(".."), "model");
  EXPECT_EQ(plain_model_name(std::string(500, 'x')).size(), 96U);
}

}  // namespace
}  // namespace offload
