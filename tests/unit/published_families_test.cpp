// SPDX-License-Identifier: Apache-2.0
// Families that transformers has no class for, by published configs: their sizes must add up to
// what the publisher says of the model. The names of tensors are those that vLLM 0.33.0 loads them
// by.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/models/family_table.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/hf_config.hpp"
#include "tests/unit/oracle_files.hpp"

namespace offload {
namespace {

Model read(const std::string& config) {
  return model_from_config(parse_json(config, "config.json"), "published", "config.json");
}

struct Tensor {
  const char* name;
  std::vector<std::uint64_t> shape;
};

struct Published {
  const char* name;
  double parameters;  // in 1e9, as the model's card or paper says, half of its last digit beside it
  double rounding;
  double active;  // of one token; 0 where it is dense or not said
  double active_rounding;
  const char* config;
  std::vector<Tensor> tensors;
};

void PrintTo(const Published& model, std::ostream* out) { *out << model.name; }

double active_of(const Model& model) {
  std::uint64_t active = 0;
  for (const ModelTensor& end : model.ends) active += end.parameters;
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) {
      active += tensor.part == Part::experts
                    ? tensor.parameters * model.experts_per_token / model.experts
                    : tensor.parameters;
    }
  }
  return static_cast<double>(active) / 1e9;
}

const std::vector<std::uint64_t>* shape_of(const Model& model, const std::string& name) {
  const auto in = [&](const std::vector<ModelTensor>& tensors) {
    const auto found = std::find_if(tensors.begin(), tensors.end(),
                                    [&](const ModelTensor& one) { return one.name == name; });
    return found == tensors.end() ? nullptr : &found->shape;
  };
  const auto* found = in(model.ends);
  for (const ModelLayer& layer : model.layers) {
    if (found == nullptr) found = in(layer.tensors);
  }
  return found;
}

const Published published[] = {
    // inclusionAI/Ling-lite-1.5; github.com/inclusionAI/Ling: 16.8 B, 2.75 B activated.
    {"Ling_lite",
     16.8,
     0.05,
     2.75,
     0.005,
     R"({"model_type": "bailing_moe", "first_k_dense_replace": 0, "hidden_size": 2048,
         "intermediate_size": 1408, "moe_intermediate_size": 1408, "num_experts": 64,
         "num_shared_experts": 2, "num_attention_heads": 16, "num_experts_per_tok": 6,
         "num_hidden_layers": 28, "num_key_value_heads": 4, "tie_word_embeddings": false,
         "use_bias": false, "use_qkv_bias": false, "vocab_size": 126464})",
     {{"model.layers.27.attention.query_key_value.weight", {3072, 2048}},
      {"model.layers.0.mlp.shared_experts.up_proj.weight", {2816, 2048}},
      {"model.word_embeddings.weight", {126464, 2048}}}},
    // inclusionAI/Ling-mini-2.0; github.com/inclusionAI/Ling-V2: 16 B, 1.4 B activated.
    {"Ling_mini_2",
     16,
     0.5,
     1.4,
     0.05,
     R"({"model_type": "bailing_moe", "num_hidden_layers": 20, "hidden_size": 2048,
         "intermediate_size": 5120, "first_k_dense_replace": 1, "moe_intermediate_size": 512,
         "moe_shared_expert_intermediate_size": 512, "num_shared_experts": 1, "num_experts": 256,
         "num_experts_per_tok": 8, "moe_router_enable_expert_bias": true, "use_qk_norm": true,
         "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 128,
         "tie_word_embeddings": false, "vocab_size": 157184})",
     {{"model.layers.0.mlp.down_proj.weight", {2048, 5120}},
      {"model.layers.1.mlp.gate.expert_bias", {256}},
      {"model.layers.1.attention.key_layernorm.weight", {128}}}},
    // inclusionAI/Ling-3.0-flash: what transformers 5.24.0 builds, which spells some lengths
    // otherwise.
    {"Ling_3_flash",
     124.414211552,
     1e-9,
     0,
     0,
     R"({"architectures": ["BailingMoeV3ForCausalLM"], "model_type": "bailing_hybrid",
         "num_hidden_layers": 42, "hidden_size": 2560, "vocab_size": 157184,
         "tie_word_embeddings": false, "first_k_dense_replace": 2, "intermediate_size": 6144,
         "num_attention_heads": 32, "num_key_value_heads": 32, "kv_lora_rank": 512,
         "q_lora_rank": null, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
         "head_dim": 128, "gated_attention_proj_granularity_type": "head_wise",
         "layer_group_size": 6, "short_conv_kernel_size": 4, "no_kda_lora": true,
         "num_experts": 512, "num_experts_per_tok": 8, "num_shared_experts": 1,
         "moe_intermediate_size": 768})",
     {{"model.layers.41.attention.q_proj.weight", {6144, 2560}},
      {"model.layers.40.attention.q_proj.weight", {4096, 2560}}}},
    // inclusionAI/Ling-3.0-tiny: in Q6_K, of 6.5625 bits a parameter, it is a file of 6.5 GB.
    {"Ling_3_tiny",
     6.5 * 8 / 6.5625,
     0.05 * 8 / 6.5625,
     0,
     0,
     R"({"architectures": ["BailingMoeV3ForCausalLM"], "model_type": "bailing_hybrid",
         "hidden_size": 1536, "intermediate_size": 4608, "num_hidden_layers": 24,
         "num_attention_heads": 16, "num_key_value_heads": 16, "head_dim": 128,
         "vocab_size": 157184, "tie_word_embeddings": false, "layer_group_size": 4,
         "short_conv_kernel_size": 4, "no_kda_lora": true, "qk_nope_head_dim": 128,
         "gated_attention_proj_granularity_type": "head_wise", "qk_rope_head_dim": 64,
         "v_head_dim": 128, "q_lora_rank": 256, "kv_lora_rank": 512, "first_k_dense_replace": 1,
         "num_experts": 128, "num_experts_per_tok": 8, "num_shared_experts": 1,
         "moe_intermediate_size": 512, "moe_shared_expert_intermediate_size": 512})",
     {{"model.layers.23.attention.q_a_proj.weight", {256, 1536}},
      {"model.layers.23.attention.q_b_proj.weight", {3072, 256}},
      {"model.layers.22.attention.q_conv1d.weight", {2048, 1, 4}}}},
    // meituan-longcat/LongCat-Flash-Chat, whose config has no model_type: 560 B. What a token takes
    // differs, for some of the experts chosen compute nothing.
    {"LongCat_Flash",
     560,
     1,
     0,
     0,
     R"({"architectures": ["LongcatFlashForCausalLM"], "attention_bias": false,
         "ffn_hidden_size": 12288, "hidden_size": 6144, "num_layers": 28, "vocab_size": 131072,
         "num_attention_heads": 64, "q_lora_rank": 1536, "kv_lora_rank": 512,
         "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "moe_topk": 12,
         "expert_ffn_hidden_size": 2048, "n_routed_experts": 512, "zero_expert_num": 256})",
     {{"model.layers.27.self_attn.1.kv_b_proj.weight", {16384, 512}},
      {"model.layers.0.mlps.1.down_proj.weight", {6144, 12288}},
      {"model.layers.0.mlp.router.classifier.weight", {768, 6144}},
      {"model.layers.0.mlp.experts.511.up_proj.weight", {2048, 6144}},
      {"model.layers.0.post_attention_layernorm.1.weight", {6144}}}},
    // meituan-longcat/LongCat-Flash-Lite: 68.5 B (what follows is cut off), of which tables of
    // n-grams are 31.4 B.
    {"LongCat_Flash_Lite",
     68.55,
     0.05,
     0,
     0,
     R"({"architectures": ["LongcatFlashNgramForCausalLM"], "vocab_size": 131072,
         "hidden_size": 3072, "ffn_hidden_size": 6144, "expert_ffn_hidden_size": 1024,
         "num_layers": 14, "num_attention_heads": 32, "kv_lora_rank": 512, "q_lora_rank": 1536,
         "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
         "n_routed_experts": 256, "moe_topk": 12, "zero_expert_num": 128,
         "ngram_vocab_size_ratio": 78, "emb_neighbor_num": 4, "emb_split_num": 4})",
     {{"model.ngram_embeddings.embedders.11.weight", {10223639, 256}},
      {"model.ngram_embeddings.post_projs.11.weight", {3072, 256}}}},
    // internlm/internlm2_5-7b-chat: 7.74 B.
    {"InternLM2_7B",
     7.74,
     0.005,
     0,
     0,
     R"({"model_type": "internlm2", "hidden_size": 4096, "num_hidden_layers": 32,
         "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
         "vocab_size": 92544, "bias": false, "tie_word_embeddings": false})",
     {{"model.layers.31.attention.wqkv.weight", {6144, 4096}},
      {"model.layers.0.attention.wo.weight", {4096, 4096}},
      {"model.layers.0.feed_forward.w2.weight", {4096, 14336}},
      {"model.layers.0.ffn_norm.weight", {4096}},
      {"model.tok_embeddings.weight", {92544, 4096}},
      {"output.weight", {92544, 4096}}}},
    // openbmb/MiniCPM-2B-sft-bf16, tied by its class's default: 2.72 B with the embedding.
    {"MiniCPM_2B",
     2.72,
     0.005,
     0,
     0,
     R"({"model_type": "minicpm", "hidden_size": 2304, "intermediate_size": 5760,
         "num_hidden_layers": 40, "num_attention_heads": 36, "num_key_value_heads": 36,
         "vocab_size": 122753})",
     {{"model.layers.39.mlp.gate_proj.weight", {5760, 2304}}}},
    // openbmb/MiniCPM-MoE-8x2B: 13.6 B without the embedding of 0.28 B.
    {"MiniCPM_MoE",
     13.6 + 0.28,
     0.05,
     0,
     0,
     R"({"model_type": "minicpm", "hidden_size": 2304, "intermediate_size": 5760,
         "num_hidden_layers": 40, "num_attention_heads": 36, "num_key_value_heads": 36,
         "num_experts": 8, "num_experts_per_tok": 2, "vocab_size": 122753})",
     {{"model.layers.39.mlp.experts.7.w2.weight", {2304, 5760}}}},
    // THUDM/chatglm3-6b: 6.24 B.
    {"ChatGLM3_6B",
     6.24,
     0.005,
     0,
     0,
     R"({"model_type": "chatglm", "add_bias_linear": false, "add_qkv_bias": true,
         "ffn_hidden_size": 13696, "hidden_size": 4096, "kv_channels": 128,
         "multi_query_attention": true, "multi_query_group_num": 2, "num_attention_heads": 32,
         "num_layers": 28, "padded_vocab_size": 65024, "post_layer_norm": true, "rmsnorm": true,
         "tie_word_embeddings": false, "torch_dtype": "float16", "vocab_size": 65024})",
     {{"transformer.encoder.layers.27.self_attention.query_key_value.bias", {4608}},
      {"transformer.encoder.layers.0.mlp.dense_h_to_4h.weight", {27392, 4096}},
      {"transformer.encoder.final_layernorm.weight", {4096}},
      {"transformer.embedding.word_embeddings.weight", {65024, 4096}},
      {"transformer.output_layer.weight", {65024, 4096}}}},
    // deepseek-ai/deepseek-moe-16b-base; arXiv 2401.06066: 16.4 B, 2.8 B activated.
    {"DeepSeekMoE_16B",
     16.4,
     0.05,
     2.8,
     0.05,
     R"({"model_type": "deepseek", "hidden_size": 2048, "intermediate_size": 10944,
         "moe_intermediate_size": 1408, "num_hidden_layers": 28, "num_attention_heads": 16,
         "num_key_value_heads": 16, "n_routed_experts": 64, "n_shared_experts": 2,
         "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1,
         "tie_word_embeddings": false, "vocab_size": 102400})",
     {{"model.layers.27.mlp.experts.63.down_proj.weight", {2048, 1408}},
      {"model.layers.0.mlp.up_proj.weight", {10944, 2048}}}},
    // upstage/solar-pro-preview-instruct: 22.1 B.
    {"Solar_Pro",
     22.1,
     0.05,
     0,
     0,
     R"({"model_type": "solar", "hidden_size": 5120, "intermediate_size": 17920, "head_dim": 128,
         "num_hidden_layers": 64, "num_attention_heads": 40, "num_key_value_heads": 10,
         "tie_word_embeddings": false, "vocab_size": 32128})",
     {{"model.layers.63.self_attn.k_proj.weight", {1280, 5120}}}},
    // OrionStarAI/Orion-14B-Base; arXiv 2401.12246: 14.5 B.
    {"Orion_14B",
     14.5,
     0.05,
     0,
     0,
     R"({"model_type": "orion", "hidden_size": 5120, "intermediate_size": 15360,
         "num_hidden_layers": 40, "num_attention_heads": 40, "num_key_value_heads": 40,
         "tie_word_embeddings": false, "vocab_size": 84608})",
     {{"model.layers.39.input_layernorm.bias", {5120}}, {"model.norm.bias", {5120}}}},
    // Tele-AI/TeleChat2-35B; github.com/Tele-AI/TeleChat2 has its lengths.
    {"TeleChat2_35B",
     35,
     0.5,
     0,
     0,
     R"({"model_type": "telechat", "hidden_size": 6144, "ffn_hidden_size": 20480, "n_layer": 64,
         "n_head": 48, "tie_word_embeddings": false, "vocab_size": 131072})",
     {{"transformer.h.63.self_attention.key_value.weight", {12288, 6144}},
      {"transformer.h.0.self_attention.dense.bias", {6144}},
      {"transformer.h.0.mlp.down_proj.bias", {6144}},
      {"transformer.ln_f.weight", {6144}},
      {"transformer.word_embeddings.weight", {131072, 6144}}}},
    // Tele-AI/TeleChat3-36B-Thinking.
    {"TeleChat3_36B",
     36,
     0.5,
     0,
     0,
     R"({"model_type": "telechat3", "attention_bias": false, "head_dim": 128, "hidden_size": 6144,
         "intermediate_size": 24576, "mlp_bias": false, "num_attention_heads": 48,
         "num_hidden_layers": 64, "num_key_value_heads": 8, "tie_word_embeddings": false,
         "vocab_size": 131072})",
     {{"model.layers.63.self_attn.v_proj.weight", {1024, 6144}}}},
    // The text model of stepfun-ai/step3; arXiv 2507.19427: 316 B, 38 B activated.
    {"Step_3",
     316,
     0.5,
     38,
     0.9,
     R"({"model_type": "step3_text", "hidden_size": 7168, "intermediate_size": 18432,
         "num_attention_heads": 64, "num_attention_groups": 1, "num_hidden_layers": 61,
         "vocab_size": 128815, "moe_intermediate_size": 5120, "moe_num_experts": 48,
         "moe_top_k": 3, "share_expert_dim": 5120, "share_q_dim": 2048, "head_dim": 256,
         "moe_layers_enum": "4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59"})",
     {{"model.layers.60.mlp.up_proj.weight", {18432, 7168}},
      {"model.layers.59.moe.down_proj.weight", {48, 7168, 5120}},
      {"model.layers.0.self_attn.wq.weight", {16384, 2048}},
      {"model.layers.0.self_attn.k_proj.weight", {256, 7168}}}},
    // openPangu-Embedded-7B-V1.1, whose parameters without embedding and head are 7 B, 6.77 by the
    // lengths that PyTorch prints of it.
    {"openPangu_7B",
     7 + 2 * 0.628,
     0.5,
     0,
     0,
     R"({"model_type": "PanguEmbedded", "bias": true, "hidden_size": 4096,
         "intermediate_size": 12800, "num_attention_heads": 32, "num_hidden_layers": 34,
         "num_key_value_heads": 8, "tie_word_embeddings": false, "vocab_size": 153376})",
     {{"model.layers.33.self_attn.k_proj.bias", {1024}},
      {"model.layers.33.self_attn.o_proj.bias", {4096}},
      {"model.layers.33.mlp.down_proj.weight", {4096, 12800}}}},
};

/// What becomes of a model_type, or of a type that nests one of its own.
std::string outcome_of(const std::string& type) {
  const bool wraps = !wrapper_prefixes(type).value_or(std::vector<std::string>{}).empty();
  return wraps || FamilyDescription::of(type) ? "read" : "refused:";
}

TEST(VllmArchitectures, AreReadOrRefusedAsListed) {
  std::istringstream lines(oracle::content_of(oracle::directory() / "oracle" / "vllm.txt"));
  std::string architecture;
  std::string type;
  std::string outcome;
  while (lines >> architecture >> type >> outcome) {
    EXPECT_EQ(outcome, outcome_of(type)) << architecture;
    std::getline(lines, type);  // why
  }
  EXPECT_EQ(architecture, "Zamba2ForCausalLM");
}

class PublishedFamilies : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedFamilies, AddUpToWhatIsPublished) {
  const Published& expected = GetParam();
  const Model model = read(expected.config);
  EXPECT_NEAR(static_cast<double>(model.parameters()) / 1e9, expected.parameters,
              expected.rounding);
  if (expected.active > 0) {
    EXPECT_NEAR(active_of(model), expected.active, expected.active_rounding);
  }
  for (const Tensor& tensor : expected.tensors) {
    const auto* shape = shape_of(model, tensor.name);
    ASSERT_NE(shape, nullptr) << tensor.name;
    EXPECT_EQ(*shape, tensor.shape) << tensor.name;
  }
}

TEST_P(PublishedFamilies, HaveNoTensorOfUnknownUse) {
  for (const ModelLayer& layer : read(GetParam().config).layers) {
    for (const ModelTensor& tensor : layer.tensors)
      EXPECT_NE(tensor.part, Part::other) << tensor.name;
  }
}

TEST_P(PublishedFamilies, KeepEveryByteWhenFused) {
  const Model model = read(GetParam().config);
  const Model engine = fused(model);
  EXPECT_EQ(engine.parameters(), model.parameters());
  EXPECT_EQ(engine.bytes(), model.bytes());
  for (const ModelLayer& layer : engine.layers) {
    EXPECT_LT(layer.tensors.size(), 32U) << "experts or projections are still apart";
  }
}

INSTANTIATE_TEST_SUITE_P(All, PublishedFamilies, ::testing::ValuesIn(published),
                         [](const auto& model) { return std::string(model.param.name); });

// google/gemma-3-4b-it leaves the lengths of its vocabulary and its heads to transformers' class.
TEST(PublishedConfig, LengthsThatItLeavesToItsClassAreTheClasss) {
  const Model model = read(R"({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text",
      "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
      "sliding_window": 1024}})");
  EXPECT_EQ(model.parameters(), 3'880'263'168U);
}

}  // namespace
}  // namespace offload
