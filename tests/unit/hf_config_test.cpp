// SPDX-License-Identifier: Apache-2.0
// Small configs in every spelling the families use, and what is refused with what words.
#include "bench/models/hf_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;

Model read(const std::string& text) {
  return model_from_config(parse_json(text, "config.json"), "small", "config.json");
}

/// What is said about `text`; "" when it is taken.
std::string fault(const std::string& text) {
  return testing::message_of<UsageError>([&] { read(text); });
}

/// A dense llama of two layers; `more` replaces and adds fields ("null" takes one away).
std::string llama(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  std::vector<std::pair<std::string, std::string>> fields{
      {"model_type", "\"llama\""}, {"hidden_size", "64"},         {"intermediate_size", "160"},
      {"num_hidden_layers", "2"},  {"num_attention_heads", "8"},  {"num_key_value_heads", "2"},
      {"vocab_size", "1000"},      {"torch_dtype", "\"float16\""}};
  for (const auto& [name, value] : more) {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&, n = name](const auto& field) { return field.first == n; });
    if (found != fields.end()) {
      found->second = value;
    } else {
      fields.emplace_back(name, value);
    }
  }
  std::string text;
  for (const auto& [name, value] : fields) {
    text += text.empty() ? "{\"" : ",\"";
    text += name;
    text += "\":";
    text += value;
  }
  return text + "}";
}

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string experts(const Fields& more = {}) {
  Fields fields{{"model_type", "\"qwen3_moe\""},
                {"num_experts", "4"},
                {"num_experts_per_tok", "2"},
                {"moe_intermediate_size", "32"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return llama(fields);
}

std::string latent(const Fields& more = {}) {
  Fields fields{{"model_type", "\"deepseek_v3\""},
                {"n_routed_experts", "4"},
                {"num_experts_per_tok", "2"},
                {"moe_intermediate_size", "32"},
                {"n_shared_experts", "2"},
                {"first_k_dense_replace", "1"},
                {"q_lora_rank", "48"},
                {"kv_lora_rank", "24"},
                {"qk_nope_head_dim", "16"},
                {"qk_rope_head_dim", "8"},
                {"v_head_dim", "16"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return llama(fields);
}

const ModelTensor* find(const Model& model, std::string_view name) {
  const auto in = [&](const std::vector<ModelTensor>& tensors) -> const ModelTensor* {
    const auto found = std::find_if(tensors.begin(), tensors.end(),
                                    [&](const ModelTensor& tensor) { return tensor.name == name; });
    return found == tensors.end() ? nullptr : &*found;
  };
  const ModelTensor* found = in(model.ends);
  for (std::size_t i = 0; found == nullptr && i < model.layers.size(); ++i) {
    found = in(model.layers[i].tensors);
  }
  return found;
}

Shape shape(const Model& model, std::string_view name) {
  const ModelTensor* tensor = find(model, name);
  return tensor == nullptr ? Shape{} : tensor->shape;
}

std::vector<std::string> names(const ModelLayer& layer) {
  std::vector<std::string> result;
  for (const ModelTensor& tensor : layer.tensors) result.push_back(tensor.name);
  return result;
}

TEST(HfConfig, ADenseModelHasItsTensorsInTheOrderTheyRun) {
  const Model model = read(llama());
  EXPECT_EQ(model.name, "small");
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(model.source, "config.json");
  ASSERT_EQ(model.layers.size(), 2U);
  const std::string prefix = "model.layers.1.";
  EXPECT_EQ(names(model.layers[1]),
            (std::vector<std::string>{
                prefix + "input_layernorm.weight", prefix + "self_attn.q_proj.weight",
                prefix + "self_attn.k_proj.weight", prefix + "self_attn.v_proj.weight",
                prefix + "self_attn.o_proj.weight", prefix + "post_attention_layernorm.weight",
                prefix + "mlp.gate_proj.weight", prefix + "mlp.up_proj.weight",
                prefix + "mlp.down_proj.weight"}));
  EXPECT_EQ(shape(model, prefix + "self_attn.q_proj.weight"), (Shape{64, 64}));
  EXPECT_EQ(shape(model, prefix + "self_attn.k_proj.weight"), (Shape{16, 64}));
  EXPECT_EQ(shape(model, prefix + "mlp.down_proj.weight"), (Shape{64, 160}));
  EXPECT_EQ(shape(model, "model.embed_tokens.weight"), (Shape{1000, 64}));
  EXPECT_EQ(shape(model, "lm_head.weight"), (Shape{1000, 64}));
  EXPECT_EQ(find(model, "lm_head.weight")->part, Part::head);
  EXPECT_EQ(find(model, prefix + "mlp.up_proj.weight")->part, Part::mlp);
  EXPECT_EQ(find(model, prefix + "self_attn.v_proj.weight")->part, Part::attention);
  EXPECT_EQ(find(model, "model.norm.weight")->part, Part::norm);
  // Layers of 64*(64+16+16+64) + 3*64*160 + 2*64, ends of 2*64000 + 64.
  EXPECT_EQ(model.parameters(), 2U * (10240 + 30720 + 128) + 128064);
  EXPECT_EQ(model.bytes(), 2 * model.parameters());
}

TEST(HfConfig, AbsentFieldsHaveTheirDefaults) {
  EXPECT_EQ(shape(read(llama({{"num_key_value_heads", "null"}})),
                  "model.layers.0.self_attn.k_proj.weight"),
            (Shape{64, 64}))
      << "as many as heads";
  const Model wide = read(llama({{"head_dim", "16"}}));
  EXPECT_EQ(shape(wide, "model.layers.0.self_attn.q_proj.weight"), (Shape{128, 64}));
  EXPECT_EQ(shape(wide, "model.layers.0.self_attn.v_proj.weight"), (Shape{32, 64}));
  EXPECT_EQ(shape(wide, "model.layers.0.self_attn.o_proj.weight"), (Shape{64, 128}));
  EXPECT_EQ(find(read(llama({{"tie_word_embeddings", "true"}})), "lm_head.weight"), nullptr);
}

TEST(HfConfig, TheDtypeHasTwoNamesAndADefault) {
  const auto dtype = [](const Fields& fields) {
    return find(read(llama(fields)), "model.norm.weight")->dtype;
  };
  EXPECT_EQ(dtype({}), "F16");
  EXPECT_EQ(dtype({{"torch_dtype", "null"}}), "BF16");
  EXPECT_EQ(dtype({{"torch_dtype", "null"}, {"dtype", "\"float32\""}}), "F32");
  EXPECT_EQ(dtype({{"dtype", "\"bfloat16\""}}), "BF16") << "the new name wins";
  EXPECT_EQ(read(llama({{"dtype", "\"float32\""}})).bytes(), 4 * read(llama()).parameters());
}

TEST(HfConfig, MultimodalModelsKeepTheFieldsInTextConfig) {
  const std::string inner = llama({{"torch_dtype", "null"}});
  const Model model = read(R"({"model_type": "some_vision_model", "hidden_size": 7,
      "tie_word_embeddings": true, "torch_dtype": "float32", "text_config": )" +
                           inner + "}");
  EXPECT_EQ(model.architecture, "llama");
  EXPECT_EQ(shape(model, "language_model.model.embed_tokens.weight"), (Shape{1000, 64}));
  EXPECT_NE(find(model, "language_model.model.layers.0.mlp.up_proj.weight"), nullptr);
  EXPECT_EQ(find(model, "language_model.lm_head.weight"), nullptr) << "tied, says the outer";
  EXPECT_EQ(model.ends[0].dtype, "F32");
  EXPECT_NE(fault(R"({"model_type": "llama", "text_config": 3})"), "");
}

TEST(HfConfig, SaysHowLongASequenceMayBe) {
  EXPECT_EQ(read(llama({{"max_position_embeddings", "2048"}})).context, 2048U);
  EXPECT_EQ(read(R"({"text_config": )" + llama({{"max_position_embeddings", "512"}}) + "}").context,
            512U);
  EXPECT_EQ(read(llama({})).context, 0U);
  EXPECT_EQ(read(llama({{"max_position_embeddings", "-1"}})).context, 0U) << "bears on no shape";
  const JsonValue unknown =
      parse_json(R"({"model_type": "new", "max_position_embeddings": 1024})", "config.json");
  EXPECT_EQ(summarize_config(unknown, "config.json", 0).context, 1024U);
}

TEST(HfConfig, FamiliesDifferInBiasesAndNorms) {
  const auto has = [](const Model& model, const std::string& name) {
    return find(model, "model.layers.0.self_attn." + name) != nullptr;
  };
  const Model qwen2 = read(llama({{"model_type", "\"qwen2\""}}));
  EXPECT_TRUE(has(qwen2, "q_proj.bias") && has(qwen2, "k_proj.bias") && has(qwen2, "v_proj.bias"));
  EXPECT_FALSE(has(qwen2, "o_proj.bias") || has(qwen2, "q_norm.weight"));
  EXPECT_EQ(shape(qwen2, "model.layers.0.self_attn.k_proj.bias"), (Shape{16}));
  const Model qwen3 = read(llama({{"model_type", "\"qwen3\""}}));
  EXPECT_EQ(shape(qwen3, "model.layers.0.self_attn.q_norm.weight"), (Shape{8}));
  EXPECT_TRUE(has(qwen3, "k_norm.weight"));
  EXPECT_FALSE(has(qwen3, "q_proj.bias"));
  const Model mistral = read(llama({{"model_type", "\"mistral\""}, {"head_dim", "null"}}));
  EXPECT_FALSE(has(mistral, "q_proj.bias") || has(mistral, "q_norm.weight"));
  const Model biased = read(llama({{"attention_bias", "true"}, {"mlp_bias", "true"}}));
  EXPECT_TRUE(has(biased, "q_proj.bias") && has(biased, "o_proj.bias"));
  EXPECT_EQ(shape(biased, "model.layers.0.mlp.gate_proj.bias"), (Shape{160}));
}

TEST(HfConfig, ExpertsHaveManyNames) {
  const Model model = read(experts());
  EXPECT_EQ(model.experts, 4U);
  EXPECT_EQ(model.experts_per_token, 2U);
  EXPECT_EQ(shape(model, "model.layers.0.mlp.gate.weight"), (Shape{4, 64}));
  EXPECT_EQ(shape(model, "model.layers.0.mlp.experts.3.up_proj.weight"), (Shape{32, 64}));
  EXPECT_EQ(shape(model, "model.layers.0.mlp.experts.3.down_proj.weight"), (Shape{64, 32}));
  EXPECT_EQ(find(model, "model.layers.0.mlp.experts.4.up_proj.weight"), nullptr);
  EXPECT_EQ(find(model, "model.layers.0.mlp.gate.weight")->part, Part::router);
  EXPECT_EQ(find(model, "model.layers.0.mlp.experts.0.up_proj.weight")->part, Part::experts);
  for (const char* count : {"num_local_experts", "n_routed_experts"}) {
    for (const char* active : {"num_experts_per_tok", "experts_per_token"}) {
      const Model other = read(experts(
          {{"num_experts", "null"}, {"num_experts_per_tok", "null"}, {count, "4"}, {active, "2"}}));
      EXPECT_EQ(other.parameters(), model.parameters()) << count;
      EXPECT_EQ(other.experts_per_token, 2U) << active;
    }
  }
  EXPECT_EQ(shape(read(experts({{"moe_intermediate_size", "null"}})),
                  "model.layers.0.mlp.experts.0.up_proj.weight"),
            (Shape{160, 64}))
      << "an expert is as wide as intermediate_size";
  const Model mixtral = read(experts({{"model_type", "\"mixtral\""}}));
  EXPECT_EQ(shape(mixtral, "model.layers.1.block_sparse_moe.gate.weight"), (Shape{4, 64}));
  EXPECT_EQ(shape(mixtral, "model.layers.1.block_sparse_moe.experts.3.w2.weight"), (Shape{64, 32}));
  EXPECT_EQ(mixtral.layers[0].tensors.size(), 6U + 1 + 4 * 3);
}

TEST(HfConfig, SomeLayersOfAnExpertModelAreDense) {
  const auto sparse = [](const std::string& text) {
    std::vector<bool> result;
    for (const ModelLayer& layer : read(text).layers) {
      result.push_back(
          std::any_of(layer.tensors.begin(), layer.tensors.end(),
                      [](const ModelTensor& tensor) { return tensor.part == Part::experts; }));
    }
    return result;
  };
  using Layers = std::vector<bool>;
  const Fields six{{"num_hidden_layers", "6"}};
  const auto with = [&](const Fields& more) {
    Fields fields = six;
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  };
  EXPECT_EQ(sparse(experts(six)), (Layers{true, true, true, true, true, true}));
  EXPECT_EQ(sparse(experts(with({{"decoder_sparse_step", "2"}}))),
            (Layers{false, true, false, true, false, true}));
  EXPECT_EQ(sparse(experts(with({{"mlp_only_layers", "[0, 5]"}}))),
            (Layers{false, true, true, true, true, false}));
  EXPECT_EQ(sparse(latent(with({{"first_k_dense_replace", "3"}}))),
            (Layers{false, false, false, true, true, true}));
  EXPECT_EQ(sparse(latent(with({{"first_k_dense_replace", "null"}, {"moe_layer_freq", "2"}}))),
            (Layers{true, false, true, false, true, false}));
  EXPECT_EQ(read(experts({{"mlp_only_layers", "[0, 1]"}})).experts, 0U);
  EXPECT_EQ(shape(read(experts({{"mlp_only_layers", "[0]"}})), "model.layers.0.mlp.up_proj.weight"),
            (Shape{160, 64}));
}

TEST(HfConfig, LatentAttentionGoesThroughLowRanks) {
  const Model model = read(latent({{"num_nextn_predict_layers", "1"}}));
  EXPECT_EQ(model.layers.size(), 2U) << "layers that predict further tokens are none of the model";
  const std::string attention = "model.layers.0.self_attn.";
  EXPECT_EQ(shape(model, attention + "q_a_proj.weight"), (Shape{48, 64}));
  EXPECT_EQ(shape(model, attention + "q_a_layernorm.weight"), (Shape{48}));
  EXPECT_EQ(shape(model, attention + "q_b_proj.weight"), (Shape{192, 48}));
  EXPECT_EQ(shape(model, attention + "kv_a_proj_with_mqa.weight"), (Shape{32, 64}));
  EXPECT_EQ(shape(model, attention + "kv_a_layernorm.weight"), (Shape{24}));
  EXPECT_EQ(shape(model, attention + "kv_b_proj.weight"), (Shape{256, 24}));
  EXPECT_EQ(shape(model, attention + "o_proj.weight"), (Shape{64, 128}));
  const Model direct = read(latent({{"q_lora_rank", "null"}}));
  EXPECT_EQ(shape(direct, attention + "q_proj.weight"), (Shape{192, 64}));
  EXPECT_EQ(find(direct, attention + "q_a_proj.weight"), nullptr);
  const std::string moe = "model.layers.1.mlp.";
  EXPECT_EQ(shape(model, moe + "gate.e_score_correction_bias"), (Shape{4}));
  EXPECT_EQ(find(model, moe + "gate.e_score_correction_bias")->dtype, "F32");
  EXPECT_EQ(shape(model, moe + "shared_experts.up_proj.weight"), (Shape{64, 64})) << "two as one";
  EXPECT_EQ(find(model, moe + "shared_experts.up_proj.weight")->part, Part::shared_expert);
  const Model plain = read(latent({{"topk_method", "\"greedy\""}, {"n_shared_experts", "null"}}));
  EXPECT_EQ(find(plain, moe + "gate.e_score_correction_bias"), nullptr);
  EXPECT_EQ(find(plain, moe + "shared_experts.up_proj.weight"), nullptr);
}

TEST(HfConfig, Fp8WeightsHaveAScalePerBlock) {
  const Model model =
      read(latent({{"quantization_config",
                    R"({"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [32, 48],
            "modules_to_not_convert": ["lm_head", "model.layers.0.self_attn.q_b_proj",
                                       "kv_b_proj", "down_proj.x", "own_proj"]})"}}));
  const ModelTensor* weight = find(model, "model.layers.0.mlp.gate_proj.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->dtype, "F8_E4M3");
  EXPECT_EQ(weight->bytes, 160U * 64);
  const ModelTensor* scale = find(model, "model.layers.0.mlp.gate_proj.weight_scale_inv");
  ASSERT_NE(scale, nullptr);
  EXPECT_EQ(scale->shape, (Shape{5, 2})) << "160/32 by 64/48, the last one partly filled";
  EXPECT_EQ(scale->dtype, "F32");
  EXPECT_EQ(scale->bytes, 40U);
  EXPECT_EQ(scale->parameters, 0U);
  EXPECT_EQ(model.parameters(), read(latent()).parameters());
  const auto dtype = [&](const std::string& name) { return find(model, name)->dtype; };
  EXPECT_EQ(read(latent({{"quantization_config",
                          R"({"quant_method": "fp8", "fmt": "float8_e4m3fn",
            "weight_block_size": [32, 48]})"}}))
                .layers[0]
                .tensors[1]
                .dtype,
            "F8_E4M3")
      << "torch's name of it";
  EXPECT_EQ(dtype("model.layers.1.mlp.experts.2.down_proj.weight"), "F8_E4M3");
  EXPECT_EQ(dtype("model.layers.1.self_attn.q_b_proj.weight"), "F8_E4M3");
  EXPECT_EQ(dtype("model.layers.0.self_attn.q_b_proj.weight"), "F16") << "named";
  EXPECT_EQ(dtype("model.layers.1.self_attn.kv_b_proj.weight"), "F16") << "named in all layers";
  EXPECT_EQ(dtype("model.layers.1.mlp.gate.weight"), "F16") << "routers stay";
  EXPECT_EQ(dtype("model.embed_tokens.weight"), "F16");
}

TEST(HfConfig, GptOssStacksItsExperts) {
  const Fields fields{{"model_type", "\"gpt_oss\""},
                      {"num_local_experts", "4"},
                      {"experts_per_token", "2"},
                      {"torch_dtype", "null"},
                      {"head_dim", "16"},
                      {"layer_types", R"(["sliding_attention", "full_attention"])"}};
  Fields packed = fields;
  packed.emplace_back("quantization_config", R"({"quant_method": "mxfp4"})");
  const Model model = read(llama(packed));
  const std::string layer = "model.layers.1.";
  EXPECT_EQ(shape(model, layer + "mlp.experts.gate_up_proj_blocks"), (Shape{4, 320, 2, 16}));
  EXPECT_EQ(shape(model, layer + "mlp.experts.gate_up_proj_scales"), (Shape{4, 320, 2}));
  EXPECT_EQ(shape(model, layer + "mlp.experts.gate_up_proj_bias"), (Shape{4, 320}));
  EXPECT_EQ(shape(model, layer + "mlp.experts.down_proj_blocks"), (Shape{4, 64, 5, 16}));
  EXPECT_EQ(shape(model, layer + "mlp.experts.down_proj_bias"), (Shape{4, 64}));
  EXPECT_EQ(shape(model, layer + "mlp.router.bias"), (Shape{4}));
  EXPECT_EQ(shape(model, layer + "self_attn.sinks"), (Shape{8}));
  EXPECT_EQ(shape(model, layer + "self_attn.o_proj.bias"), (Shape{64}));
  const ModelTensor* blocks = find(model, layer + "mlp.experts.gate_up_proj_blocks");
  EXPECT_EQ(blocks->parameters, 4U * 320 * 64);
  EXPECT_EQ(blocks->bytes * 2, blocks->parameters) << "four bits each";
  const Model unpacked = read(llama(fields));
  EXPECT_EQ(shape(unpacked, layer + "mlp.experts.gate_up_proj"), (Shape{4, 64, 320}));
  EXPECT_EQ(shape(unpacked, layer + "mlp.experts.down_proj"), (Shape{4, 160, 64}));
  EXPECT_EQ(unpacked.parameters(), model.parameters());
}

TEST(HfConfig, WhatIsNotSupportedIsRefusedByNameWithAdvice) {
  const auto refused = [](const Fields& fields, const std::string& name) {
    const std::string said = fault(experts(fields));
    EXPECT_NE(said.find(name), std::string::npos) << said;
    EXPECT_NE(said.find("give the model's safetensors"), std::string::npos) << said;
    EXPECT_EQ(said.find("config.json: "), 0U) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  };
  refused({{"model_type", "\"blt\""}}, "'blt'");
  refused({{"model_type", "\"dory\""}}, "'dory'");
  refused({{"model_type", "\"a\\nb\""}}, "'a?b'");
  refused({{"linear_num_value_heads", "32"}}, "'linear_num_value_heads'");
  refused({{"full_attention_interval", "4"}}, "'full_attention_interval'");
  refused({{"layer_types", R"(["full_attention", "linear_attention"])"}}, "'linear_attention'");
  for (const char* method : {"mxfp4", "aqlm", ""}) {
    const std::string config = R"({"bits": 4, "quant_method": ")" + std::string(method) + "\"}";
    refused({{"quantization_config", config}}, "'" + std::string(method) + "'");
  }
  refused({{"quantization_config", "{\"bits\": 4}"}}, "quant_method");
  const auto by = [&](const std::string& method, const std::string& more, const std::string& name) {
    const std::string fields = R"({"quant_method": ")" + method + "\"" + more + "}";
    refused({{"quantization_config", fields}}, name);
  };
  by("gptq", R"(, "bits": 4)", "group_size");
  by("gptq", R"(, "bits": 4, "group_size": 128, "lm_head": true)", "head");
  by("gptq", R"(, "bits": 4, "group_size": 128, "dynamic": {"-:.*q_proj": {}})", "'dynamic'");
  by("gptq", R"(, "bits": 4, "group_size": 128, "checkpoint_format": "marlin")", "'marlin'");
  by("gptq", R"(, "bits": 3, "group_size": 128)", "do not fill 32-bit words");
  by("awq", R"(, "bits": 4, "group_size": 128, "version": "gemv")", "'gemv'");
  by("bitsandbytes", R"(, "load_in_8bit": true)", "bitsandbytes quantised the experts");
  by("bitsandbytes", R"(, "llm_int8_skip_modules": ["q_proj"])", "head");
  refused({{"quantization", R"({"group_size": 64, "bits": 4})"}}, "MLX");
  refused({{"quantization_config", R"({"quant_method": "fp8"})"}}, "weight_block_size");
  refused({{"quantization_config",
            R"({"quant_method": "fp8", "fmt": "e5m2", "weight_block_size": [128, 128]})"}},
          "'e5m2'");
}

TEST(HfConfig, SenselessFieldsAreRefusedByName) {
  const auto refused = [](const std::string& text, const std::string& field) {
    const std::string said = fault(text);
    EXPECT_NE(said.find(field), std::string::npos) << said;
    EXPECT_LT(said.size(), 300U);
  };
  for (const char* value : {"-1", "0", "1.5", "\"64\"", "true", "[64]", "{}", "1e30", "4294967296",
                            "18446744073709551615", "18446744073709551616"}) {
    for (const char* field :
         {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
          "num_key_value_heads", "head_dim", "vocab_size"}) {
      refused(llama({{field, value}}), field);
    }
    for (const char* field : {"num_experts", "num_experts_per_tok", "moe_intermediate_size",
                              "decoder_sparse_step", "mlp_only_layers"}) {
      refused(experts({{field, value}}), field);
    }
    for (const char* field : {"q_lora_rank", "kv_lora_rank", "v_head_dim", "moe_layer_freq"}) {
      refused(latent({{field, value}}), field);
    }
  }
  for (const char* field : {"hidden_size", "intermediate_size", "num_hidden_layers",
                            "num_attention_heads", "vocab_size", "model_type"}) {
    refused(llama({{field, "null"}}), std::string("no ") + field);
  }
  refused(experts({{"num_experts", "null"}}), "no num_experts");
  refused(experts({{"num_experts_per_tok", "5"}}), "num_experts_per_tok");
  refused(experts({{"mlp_only_layers", "[2]"}}), "mlp_only_layers");
  refused(latent({{"first_k_dense_replace", "3"}}), "first_k_dense_replace");
  refused(latent({{"kv_lora_rank", "null"}}), "no kv_lora_rank");
  refused(latent({{"n_shared_experts", "1000000000"}}), "n_shared_experts");
  refused(llama({{"num_key_value_heads", "3"}}), "num_key_value_heads");
  refused(llama({{"num_attention_heads", "10"}}), "head_dim");
  refused(llama({{"tie_word_embeddings", "1"}}), "tie_word_embeddings");
  refused(llama({{"torch_dtype", "\"int8\""}}), "'int8'");
  refused(llama({{"layer_types", "7"}}), "layer_types");
  refused(llama({{"model_type", "7"}}), "model_type");
  refused(llama({{"quantization_config", "\"fp8\""}}), "quantization_config");
  refused("[]", "config.json");
  refused("3", "config.json");
}

TEST(HfConfig, TheLargestConfigThatIsTakenNeedsLittleMemory) {
  // Every count at its limit: refused, not allocated.
  EXPECT_NE(
      fault(experts({{"num_hidden_layers", "1024"}, {"num_experts", "4096"}})).find("more tensors"),
      std::string::npos);
  // The most experts there may be, at the greatest sizes: no sum overflows.
  const Model model = read(experts({{"num_hidden_layers", "22"},
                                    {"num_experts", "4096"},
                                    {"hidden_size", "1048576"},
                                    {"moe_intermediate_size", "4194304"},
                                    {"dtype", "\"float32\""}}));
  EXPECT_GT(model.parameters(), std::uint64_t{3} * 22 * 4096 << 42);
  EXPECT_EQ(model.bytes(), 4 * model.parameters());
  EXPECT_GT(model.bytes(), model.parameters());
}

}  // namespace
}  // namespace offload
