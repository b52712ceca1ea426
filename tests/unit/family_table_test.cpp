// SPDX-License-Identifier: Apache-2.0
// Families described as data: what a published config leaves out, and what is refused of them.
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/models/hf_config.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"

namespace offload {
namespace {

Model read(const std::string& fields) {
  return model_from_config(parse_json("{" + fields + "}", "config.json"), "small", "config.json");
}

std::string fault(const std::string& fields) {
  return testing::message_of<UsageError>([&] { read(fields); });
}

const ModelTensor* find(const Model& model, const std::string& name) {
  std::vector<const std::vector<ModelTensor>*> all{&model.ends};
  for (const ModelLayer& layer : model.layers) all.push_back(&layer.tensors);
  for (const auto* tensors : all) {
    const auto found = std::find_if(tensors->begin(), tensors->end(),
                                    [&](const ModelTensor& one) { return one.name == name; });
    if (found != tensors->end()) return &*found;
  }
  return nullptr;
}

const std::string sizes = R"("hidden_size": 64, "intermediate_size": 96, "vocab_size": 100,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2)";

TEST(FamilyTable, DefaultsAreTheFamilys) {
  const Model gemma = read(R"("model_type": "gemma2", "head_dim": 32, )" + sizes);
  EXPECT_EQ(gemma.architecture, "gemma2");
  EXPECT_EQ(find(gemma, "lm_head.weight"), nullptr) << "tied unless it says otherwise";
  EXPECT_NE(find(read(R"("model_type": "stablelm", )" + sizes), "lm_head.weight"), nullptr);
  EXPECT_EQ(find(gemma, "model.layers.1.self_attn.q_proj.weight")->shape,
            (std::vector<std::uint64_t>{128, 64}));
}

TEST(FamilyTable, ProjectionsAreQuantisedAsElsewhere) {
  const Model glm = read(R"("model_type": "glm4_moe", "moe_intermediate_size": 32,
      "n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1,
      "first_k_dense_replace": 1, "head_dim": 16,
      "quantization_config": {"quant_method": "fp8", "weight_block_size": [32, 32]}, )" +
                         sizes);
  EXPECT_EQ(glm.experts, 4U);
  EXPECT_EQ(glm.experts_per_token, 2U);
  EXPECT_EQ(find(glm, "model.layers.1.mlp.experts.3.down_proj.weight")->dtype, "F8_E4M3");
  EXPECT_EQ(find(glm, "model.layers.1.mlp.experts.3.down_proj.weight_scale_inv")->parameters, 0U);
  EXPECT_EQ(find(glm, "model.layers.1.mlp.gate.weight")->dtype, "BF16");
  EXPECT_EQ(find(glm, "model.embed_tokens.weight")->dtype, "BF16");
}

TEST(FamilyTable, ReadsMiMoAsItIsPublishedAndAsTransformersWritesIt) {
  const std::string mimo = R"("model_type": "mimo_v2_flash", "head_dim": 24, "v_head_dim": 16,
      "moe_intermediate_size": 32, "n_routed_experts": 4, "num_experts_per_tok": 2, )" +
                           sizes;
  const Model published = read(mimo + R"(, "hybrid_layer_pattern": [0, 1], "moe_layer_freq": [0, 1],
      "swa_num_key_value_heads": 4)");
  const Model converted = read(mimo + R"(, "layer_types": ["full_attention", "sliding_attention"],
      "mlp_layer_types": ["dense", "sparse"])");
  EXPECT_EQ(converted.parameters(), published.parameters());
  // Heads of a window are twice those without, and have a sink each; values have other lengths.
  using Shape = std::vector<std::uint64_t>;
  const auto shape = [&](const std::string& name) {
    const ModelTensor* tensor = find(published, name);
    return tensor == nullptr ? Shape{} : tensor->shape;
  };
  EXPECT_EQ(shape("model.layers.0.self_attn.k_proj.weight"), (Shape{48, 64}));
  EXPECT_EQ(shape("model.layers.1.self_attn.k_proj.weight"), (Shape{96, 64}));
  EXPECT_EQ(shape("model.layers.1.self_attn.v_proj.weight"), (Shape{64, 64}));
  EXPECT_EQ(shape("model.layers.1.self_attn.attention_sink_bias"), Shape{4});
  EXPECT_EQ(shape("model.layers.0.self_attn.attention_sink_bias"), Shape{});
  EXPECT_EQ(shape("model.layers.0.mlp.up_proj.weight"), (Shape{96, 64}));
  EXPECT_EQ(shape("model.layers.1.mlp.experts.3.up_proj.weight"), (Shape{32, 64}));
  EXPECT_NE(fault(mimo + R"(, "hybrid_layer_pattern": [0, 1], "moe_layer_freq": [0, 2])")
                .find("moe_layer_freq must be a whole number from 0 to 1, not 2"),
            std::string::npos);
}

TEST(FamilyTable, LayersOfGlmMayShareAnIndexer) {
  const std::string glm = R"("model_type": "glm_moe_dsa", "q_lora_rank": 16, "kv_lora_rank": 16,
      "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "index_n_heads": 2,
      "index_head_dim": 8, "moe_intermediate_size": 32, "n_routed_experts": 4,
      "num_experts_per_tok": 2, "hidden_size": 64, "intermediate_size": 96, "vocab_size": 100,
      "num_attention_heads": 4, "num_hidden_layers": 8)";
  const auto indexed = [&](const std::string& fields) {
    const Model model = read(glm + fields);
    std::string found;
    for (int i = 0; i < 8; ++i) {
      const std::string layer = "model.layers." + std::to_string(i);
      found += find(model, layer + ".self_attn.indexer.wk.weight") == nullptr ? 'S' : 'F';
    }
    return found;
  };
  EXPECT_EQ(indexed(""), "FFFFFFFF");
  EXPECT_EQ(indexed(R"(, "indexer_types": ["full", "shared", "shared", "full", "shared", "shared",
      "shared", "full"])"),
            "FSSFSSSF");
  // GLM-5.2's: the first three layers, then each fourth.
  EXPECT_EQ(indexed(R"(, "index_topk_freq": 4, "index_skip_topk_offset": 3)"), "FFFSSSFS");
  EXPECT_EQ(indexed(R"(, "index_topk_pattern": "FSFSFSFS")"), "FSFSFSFS");
}

TEST(FamilyTable, AnArchitectureOfExpertsMayHaveNone) {
  const std::string granite = R"("model_type": "granitemoehybrid", "num_experts_per_tok": 0,
      "num_local_experts": 0, "shared_intermediate_size": 96, "tie_word_embeddings": true,
      "layer_types": ["attention", "attention"], )" +
                              sizes;
  const Model dense = read(granite);
  EXPECT_EQ(dense.experts, 0U);
  EXPECT_EQ(dense.experts_per_token, 0U);
  EXPECT_NE(find(dense, "model.layers.1.shared_mlp.input_linear.weight"), nullptr);
}

TEST(FamilyTable, ABlockThatLayersShareStandsInTheFirstOfThem) {
  const std::string zamba = R"("model_type": "zamba2", "hidden_size": 64, "vocab_size": 100,
      "intermediate_size": 96, "num_attention_heads": 4, "num_hidden_layers": 5,
      "attention_head_dim": 32, "n_mamba_heads": 4, "mamba_ngroups": 1, "mamba_d_state": 8,
      "mamba_d_conv": 4, "mamba_expand": 2, "adapter_rank": 4,
      "layers_block_type": ["mamba", "hybrid", "hybrid", "mamba", "hybrid"],
      "hybrid_layer_ids": [1, 2, 4])";
  const auto has = [&](const std::string& more, const std::string& name) {
    return find(read(zamba + more), "model.layers." + name) != nullptr;
  };
  const std::string up = ".shared_transformer.feed_forward.gate_up_proj";
  EXPECT_TRUE(has("", "1" + up + ".weight"));
  EXPECT_FALSE(has("", "2" + up + ".weight"));
  EXPECT_TRUE(has("", "2.mamba_decoder.mamba.in_proj.weight"));
  EXPECT_TRUE(has("", "3.mamba.in_proj.weight"));
  // What adapts the block to each layer stands with it.
  EXPECT_TRUE(has("", "1" + up + "_adapter_list.2.0.weight"));
  const std::string two = R"(, "num_mem_blocks": 2)";
  EXPECT_TRUE(has(two, "2" + up + ".weight"));
  EXPECT_FALSE(has(two, "4" + up + ".weight"));
  EXPECT_TRUE(has(two, "1" + up + "_adapter_list.2.0.weight"));
  EXPECT_FALSE(has(two, "1" + up + "_adapter_list.1.0.weight"));
  EXPECT_TRUE(has(two, "2" + up + "_adapter_list.1.0.weight"));
  const auto said_with = [&](const std::string& before, const std::string& after) {
    std::string text = zamba;
    return fault(text.replace(text.find(before), before.size(), after));
  };
  EXPECT_NE(said_with(R"("mamba", "hybrid"])", R"("other", "hybrid"])")
                .find("layers_block_type is not supported"),
            std::string::npos);
  EXPECT_NE(said_with(R"("num_hidden_layers": 5)", R"("num_hidden_layers": 6)")
                .find("from layers_block_type: it says nothing of layer 5"),
            std::string::npos);
}

TEST(FamilyTable, TokensAddedToMolmosVocabularyHaveATableOfTheirOwn) {
  const std::string molmo = R"("model_type": "molmo2_text", "head_dim": 16, )" + sizes;
  const Model model = read(molmo + R"(, "additional_vocab_size": 8)");
  EXPECT_EQ(find(model, "model.wte.embedding")->shape, (std::vector<std::uint64_t>{100, 64}));
  EXPECT_EQ(find(model, "model.wte.new_embedding")->shape, (std::vector<std::uint64_t>{8, 64}));
  EXPECT_EQ(find(model, "lm_head.weight")->shape, (std::vector<std::uint64_t>{100, 64}));
  // As OLMo, over all heads, or as Qwen, over each.
  EXPECT_EQ(find(model, "model.blocks.1.self_attn.k_norm.weight")->parameters, 16U);
  const Model whole = read(molmo + R"(, "qk_norm_type": "olmo")");
  EXPECT_EQ(find(whole, "model.blocks.1.self_attn.k_norm.weight")->parameters, 32U);
}

TEST(FamilyTable, MiMosAreQwensLayersWithoutThoseThatDraft) {
  const Model mimo = read(R"("model_type": "mimo", "vocab_size": 151680, "hidden_size": 4096,
      "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 32,
      "num_key_value_heads": 8, "head_dim": 128, "attention_bias": true,
      "num_nextn_predict_layers": 1, "tie_word_embeddings": false)");
  // Published with 7.83 B parameters, of which one layer, and what joins two rows for it, drafts.
  const double tables = 2.0 * 151'680 * 4096;
  const double layer = (static_cast<double>(mimo.parameters()) - tables) / 36;
  const double drafting = layer + 2.0 * 4096 * 4096;
  EXPECT_NEAR((static_cast<double>(mimo.parameters()) + drafting) / 1e9, 7.83, 0.005);
}

TEST(FamilyTable, PhiMultimodalsTextIsPhi4Minis) {
  const Model phi = read(R"("model_type": "phi4mm", "vocab_size": 200064, "hidden_size": 3072,
      "intermediate_size": 8192, "num_hidden_layers": 32, "num_attention_heads": 24,
      "num_key_value_heads": 8, "tie_word_embeddings": true, "vision_lora": {"r": 256})");
  EXPECT_NEAR(static_cast<double>(phi.parameters()) / 1e9, 3.84, 0.005);  // as published of that
}

TEST(FamilyTable, GemmasLayersThatSeeAllMayHaveKeysAlone) {
  const std::string gemma = R"("model_type": "gemma4_text", "head_dim": 16, "vocab_size": 100,
      "global_head_dim": 32, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 8,
      "num_attention_heads": 4, "num_key_value_heads": 2, "num_global_key_value_heads": 1)";
  const Model alone = read(gemma + R"(, "attention_k_eq_v": true)");
  const Model both = read(gemma);
  for (const int layer : {0, 5, 7}) {  // each sixth sees all, and the last
    const std::string attention = "model.layers." + std::to_string(layer) + ".self_attn.";
    const bool full = layer > 0;
    EXPECT_EQ(find(alone, attention + "v_proj.weight") == nullptr, full);
    EXPECT_EQ(find(alone, attention + "k_proj.weight")->shape.front(), 32U);
    EXPECT_EQ(find(both, attention + "v_proj.weight")->shape.front(), full ? 64U : 32U);
  }
}

TEST(FamilyTable, DeepSeekV4IsRefusedQuantised) {
  const std::string v4 = R"("model_type": "deepseek_v4", "hidden_size": 64, "vocab_size": 100,
      "num_hidden_layers": 3, "num_attention_heads": 4, "head_dim": 16, "q_lora_rank": 16,
      "o_lora_rank": 8, "o_groups": 2, "hc_mult": 2, "index_head_dim": 8, "index_n_heads": 2,
      "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2,
      "moe_intermediate_size": 32, "num_hash_layers": 1, "compress_ratios": [0, 4, RATIO])";
  const auto with = [&](const std::string& ratio) {
    std::string text = v4;
    return text.replace(text.find("RATIO"), 5, ratio);
  };
  EXPECT_EQ(fault(with("128")), "");
  EXPECT_NE(fault(with("2")).find("compress_ratios is not supported"), std::string::npos);
  // Its experts have 4 bits, which no field of this says.
  EXPECT_NE(fault(with("128") + R"(, "expert_dtype": "fp4", "quantization_config":
      {"quant_method": "fp8", "weight_block_size": [128, 128]})")
                .find("'fp8' is not supported for deepseek_v4"),
            std::string::npos);
}

TEST(FamilyTable, LengthsMayBeFractionsOfOthers) {
  const std::string xlstm = R"("model_type": "xlstm", "embedding_dim": 96, "vocab_size": 100,
      "num_blocks": 1, "num_heads": 4, "qk_dim_factor": 0.5, "v_dim_factor": 1.0,
      "ffn_proj_factor": 2.667, "ffn_round_up_to_multiple_of": 64)";
  const Model model = read(xlstm);
  EXPECT_EQ(find(model, "backbone.blocks.0.mlstm_layer.q.weight")->shape.front(), 48U);
  EXPECT_EQ(find(model, "backbone.blocks.0.mlstm_layer.v.weight")->shape.front(), 96U);
  EXPECT_EQ(find(model, "backbone.blocks.0.ffn.proj_up.weight")->shape.front(), 256U);
  EXPECT_NE(fault(xlstm + R"(, "weight_mode": "fused")").find("weight_mode is not supported"),
            std::string::npos);
}

TEST(FamilyTable, RefusesWhatItDoesNotKnow) {
  const std::string gemma = R"("model_type": "gemma4_text", "head_dim": 16, )" + sizes;
  EXPECT_NE(fault(gemma + R"(, "layer_types": ["other", "other"])").find("'other'"),
            std::string::npos);
  EXPECT_NE(fault(gemma + R"(, "hidden_size_per_layer_input": 0.5)").find("0.5"),
            std::string::npos);
  EXPECT_NE(fault(R"("model_type": "phi3")").find("no vocab_size"), std::string::npos);
  const std::string stacked = R"("model_type": "mistral4", "kv_lora_rank": 16, "q_lora_rank": 16,
      "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 2,
      "n_shared_experts": 1, "num_experts_per_tok": 1, )" +
                              sizes;
  EXPECT_EQ(fault(stacked), "");
  EXPECT_NE(fault(stacked + R"(, "quantization_config":
      {"quant_method": "fp8", "weight_block_size": [32, 32]})")
                .find("experts in one tensor"),
            std::string::npos);
}

TEST(FamilyTable, WithoutAModelTypeTheArchitectureNamesTheFamily) {
  EXPECT_NE(fault(R"("architectures": ["LongcatFlashForCausalLM"])").find("no vocab_size"),
            std::string::npos);
  EXPECT_NE(fault(R"("architectures": ["OddForCausalLM"])")
                .find("architecture 'OddForCausalLM' is not one whose shapes follow"),
            std::string::npos);
  EXPECT_NE(fault(R"("architectures": [])").find("no model_type"), std::string::npos);
  EXPECT_NE(fault(R"("architectures": [1])").find("architectures must be text"), std::string::npos);
}

TEST(FamilyTable, LingsOtherLinearAttentionsAreRefused) {
  const std::string ling = R"("model_type": "bailing_hybrid", "hidden_size": 64, "head_dim": 16,
      "intermediate_size": 96, "num_attention_heads": 4, "num_hidden_layers": 5, "vocab_size": 100,
      "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
      "num_experts": 4, "num_experts_per_tok": 2, "num_shared_experts": 1,
      "moe_intermediate_size": 32, "layer_group_size": 2)";
  // Of Ling 2.5, which has no convolution.
  EXPECT_NE(fault(ling).find("no linear_conv_kernel_dim"), std::string::npos);
  const std::string third = ling + R"(, "short_conv_kernel_size": 4)";
  const Model model = read(third);
  const auto latent = [&](int layer) {
    const std::string name =
        "model.layers." + std::to_string(layer) + ".attention.kv_b_proj.weight";
    return find(model, name) != nullptr;
  };
  EXPECT_TRUE(latent(1) && latent(3) && latent(4)) << "each second, and what is left of a group";
  EXPECT_FALSE(latent(0) || latent(2));
  EXPECT_NE(fault(third + R"(, "no_kda_lora": false)").find("no_kda_lora is not"),
            std::string::npos);
  EXPECT_NE(fault(third + R"(, "gated_attention_proj_granularity_type": "element_wise")")
                .find("gated_attention_proj_granularity_type is not"),
            std::string::npos);
}

TEST(FamilyTable, WhatVllmCannotSplitIsRefused) {
  const std::string telechat = R"("model_type": "telechat", "hidden_size": 64, "n_layer": 2,
      "n_head": 4, "ffn_hidden_size": 96, "vocab_size": 100)";
  EXPECT_EQ(fault(telechat), "");
  EXPECT_NE(fault(telechat + R"(, "num_key_value_heads": 2)").find("num_key_value_heads is not"),
            std::string::npos);
  EXPECT_NE(fault(telechat + R"(, "embed_layernorm": true)").find("embed_layernorm is not"),
            std::string::npos);
}

TEST(FamilyTable, Step3sTensorsAreNamedAsWithoutItsImages) {
  const Model step = read(R"("model_type": "step3_vl", "text_config": {"model_type": "step3_text",
      "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_hidden_layers": 2,
      "vocab_size": 100, "moe_intermediate_size": 32, "moe_num_experts": 4, "moe_top_k": 2,
      "share_expert_dim": 32, "share_q_dim": 48, "head_dim": 16})");
  EXPECT_EQ(find(step, "model.layers.1.moe.up_proj.weight")->shape,
            (std::vector<std::uint64_t>{4, 32, 64}));
  EXPECT_NE(find(step, "lm_head.weight"), nullptr);
  EXPECT_EQ(step.experts, 4U);
  EXPECT_EQ(step.experts_per_token, 2U);
}

TEST(FamilyTable, SenselessNumbersAreRefused) {
  for (const char* value : {"-1", "0", "1.5", "\"64\"", "[64]", "{}", "1e30", "4294967296"}) {
    for (const char* field : {"hidden_size", "num_attention_heads", "vocab_size",
                              "num_hidden_layers", "intermediate_size", "num_key_value_heads"}) {
      std::string text = sizes;
      const std::size_t begin = text.find(':', text.find(field)) + 1;
      text.replace(begin, text.find_first_of(",\n", begin) - begin, value);
      const std::string said = fault(R"("model_type": "phi3", )" + text);
      EXPECT_NE(said.find(field), std::string::npos) << value << ": " << said;
      EXPECT_LT(said.size(), 300U);
    }
  }
  EXPECT_NE(fault(R"("model_type": "olmoe", "num_experts": 100000000, )" + sizes), "");
  const std::string olmoe = R"("model_type": "olmoe", "num_experts": 4, )" + sizes;
  EXPECT_EQ(fault(olmoe + R"(, "num_experts_per_tok": 4)"), "");
  EXPECT_NE(fault(olmoe).find("no num_experts_per_tok"), std::string::npos);
  EXPECT_NE(fault(olmoe + R"(, "num_experts_per_tok": 5)").find("num_experts_per_tok must be a "),
            std::string::npos);
  EXPECT_NE(fault(olmoe + R"(, "num_experts_per_tok": 2, "attention_bias": 1)")
                .find("attention_bias must be true or false"),
            std::string::npos);
}

}  // namespace
}  // namespace offload
