// SPDX-License-Identifier: Apache-2.0
// Checkpoints of architectures with names and parts of their own: what of them is read, and what is
// refused because it cannot be told.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/slice.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

/// The model in a directory of `checkpoint` and, unless empty, `config`.
Model load(const Checkpoint& checkpoint, const std::string& config = "") {
  const TempDirectory directory;
  directory.write("Odd/model.safetensors", checkpoint.header());
  if (!config.empty()) directory.write("Odd/config.json", config);
  return load_model((directory.path() / "Odd").string());
}

std::string complaint(const Checkpoint& checkpoint, const std::string& config = "") {
  return testing::message_of<UsageError>([&] { load(checkpoint, config); });
}

const ModelTensor& tensor_of(const Model& model, const std::string& end) {
  for (const ModelTensor& tensor : model.layers.at(0).tensors) {
    if (tensor.name.ends_with(end)) return tensor;
  }
  throw std::out_of_range(end);
}

ModelSlice sliced(const Model& model) {
  const Model joined = fused(model);
  const Offloading where = offloading(joined, {});
  return *model_slice(joined, where.tensors, std::uint64_t{1} << 30U, 1).slice;
}

const std::string layer = "model.layers.0.";
std::string expert(const std::string& number) { return layer + "mlp.experts." + number; }
std::string object(const std::string& fields) { return "{" + fields + "}"; }
std::string object(const std::string& fields, const std::string& more) {
  return object(fields + "," + more);
}

TEST(UnusualModel, StacksOfExpertsAreToldByTheirRouterWhateverTheirName) {
  const std::string moe = layer + "block_sparse_moe.";
  Checkpoint granite;
  granite.add(moe + "input_linear.weight", "BF16", "8,32,16", 8192)
      .add(moe + "output_linear.weight", "BF16", "8,16,16", 4096)
      .add(moe + "router.layer.weight", "BF16", "8,16", 256)
      .add(layer + "shared_mlp.input_linear.weight", "BF16", "32,16", 1024);
  const Model model = load(granite, R"({"model_type":"granitemoe","num_experts_per_tok":2})");
  EXPECT_EQ(model.experts, 8U);
  EXPECT_EQ(model.experts_per_token, 2U);
  EXPECT_EQ(tensor_of(model, "moe.input_linear.weight").part, Part::experts);
  EXPECT_EQ(tensor_of(model, "moe.output_linear.weight").part, Part::experts);
  EXPECT_EQ(tensor_of(model, "mlp.input_linear.weight").part, Part::shared_expert);
  EXPECT_EQ(tensor_of(model, "router.layer.weight").part, Part::router);
}

TEST(UnusualModel, ExpertsBelowEachOtherAreTheirRoutersNumber) {
  const std::string block = "transformer.blocks.0.";
  Checkpoint dbrx;
  for (const auto* const name : {"w2", "w1", "v1"}) {
    dbrx.add(block + "ffn.experts.mlp." + name, "BF16", "64,8", 1024);
  }
  dbrx.add(block + "norm_attn_norm.attn.Wqkv.weight", "BF16", "24,8", 384)
      .add(block + "norm_attn_norm.norm_1.weight", "BF16", "8", 16)
      .add(block + "ffn.router.layer.weight", "BF16", "4,8", 64);
  const Model model = load(dbrx);
  EXPECT_EQ(model.experts, 4U);
  EXPECT_EQ(tensor_of(model, "mlp.v1").shape, (std::vector<std::uint64_t>{4, 16, 8}));
  EXPECT_EQ(tensor_of(model, "Wqkv.weight").part, Part::attention);
  EXPECT_EQ(tensor_of(model, "norm_1.weight").part, Part::norm);
  EXPECT_TRUE(model.layers[0].tensors.back().name.ends_with("w2"));
}

TEST(UnusualModel, ExpertsThatCannotBeToldAreRefused) {
  Checkpoint nameless;
  nameless.add(layer + "moe.up.weight", "BF16", "32,16", 1024)
      .add(layer + "moe.router.weight", "BF16", "4,16", 128);
  EXPECT_TRUE(says(complaint(nameless),
                   "tensor 'model.layers.0.moe.router.weight' chooses experts, but no tensor is "
                   "known to hold them"));
  Checkpoint unrouted;
  unrouted.add(layer + "ffn.experts.mlp.w1", "BF16", "64,8", 1024);
  EXPECT_TRUE(says(complaint(unrouted), "'model.layers.0.ffn.experts.mlp.w1' holds experts, but"));
  Checkpoint uneven;
  uneven.add(layer + "ffn.experts.mlp.w1", "BF16", "63,8", 1008)
      .add(layer + "ffn.router.layer.weight", "BF16", "4,8", 64);
  EXPECT_TRUE(says(complaint(uneven), "'model.layers.0.ffn.experts.mlp.w1' holds experts, but"));
}

TEST(UnusualModel, ADenseGateRoutesNothing) {
  Checkpoint dense;
  dense.add(layer + "mlp.gate.weight", "BF16", "32,8", 512)
      .add(layer + "mlp.up.weight", "BF16", "32,8", 512)
      .add(layer + "mlp.down.weight", "BF16", "8,32", 512);
  EXPECT_EQ(sliced(load(dense)).offloaded_bytes, 3U * 512);
}

TEST(UnusualModel, AnExpertsPackedMatrixMayHaveManyDimensions) {
  Checkpoint file;  // EXL3's tiles
  for (const auto* const number : {"0", "1", "2"}) {
    file.add(expert(number) + ".up_proj.trellis", "I16", "2,4,64", 1024);
  }
  const Model model = load(file);
  EXPECT_EQ(model.experts, 3U);
  const auto weights = linear_weights(model.layers.at(0), 0, {true, true, true});
  ASSERT_EQ(weights.size(), 1U);
  EXPECT_EQ(weights[0].experts, 3U);
  EXPECT_EQ(weights[0].bytes(), 3U * 1024);
}

TEST(UnusualModel, AMatrixInsideALayerMultiplies) {
  Checkpoint hybrid;
  hybrid.add(layer + "mlstm_layer.q.weight", "BF16", "8,16", 256)
      .add(layer + "mlstm_layer.igate_preact.bias", "BF16", "4", 8)
      .add(layer + "conv.in_proj.weight", "BF16", "24,8", 384)
      .add(layer + "operator_norm.weight", "BF16", "8", 16)
      .add(layer + "self_attn.q_norm.weight", "BF16", "4,8", 64)  // of each head
      .add(layer + "ffn.proj_up.weight", "BF16", "32,8", 512);
  const ModelSlice slice = sliced(load(hybrid));
  EXPECT_EQ(slice.offloaded_bytes, 256U + 384 + 512);
  EXPECT_EQ(slice.other_bytes, 8U + 16 + 64);
}

TEST(UnusualModel, AnEncoderWithItsDecoderIsRefused) {
  for (const auto& [one, other] : {std::pair("encoder.block", "decoder.block"),
                                   std::pair("model.decoder.layers", "model.encoder.layers"),
                                   std::pair("enc.blk", "dec.blk")}) {
    Checkpoint both;
    both.add(std::string(one) + ".0.mlp.up_proj.weight", "BF16", "8,16", 256)
        .add(std::string(other) + ".0.mlp.up_proj.weight", "BF16", "8,8", 128);
    EXPECT_TRUE(says(complaint(both), "has an encoder and a decoder")) << one;
  }
  Checkpoint opt;
  opt.add("model.decoder.layers.0.fc1.weight", "BF16", "8,16", 256);
  EXPECT_EQ(load(opt).layers.size(), 1U);
}

Checkpoint four_experts() {
  Checkpoint file;
  for (const auto* const number : {"0", "1", "2", "3"}) {
    file.add(expert(number) + ".up_proj.weight", "BF16", "8,16", 256);
  }
  return file.add(layer + "mlp.gate.weight", "BF16", "4,16", 128);
}

TEST(UnusualModel, ExpertsOfATokenHaveManyNames) {
  const Checkpoint file = four_experts();
  for (const std::string fields :
       {R"("num_experts_per_token":3)", R"("moe_k":3)", R"("moe_topk":3)", R"("moe_topk":[3,3])",
        R"("top_k_experts":3)", R"("text_config":{"moe_k":3})", R"("ffn_config":{"moe_top_k":3})",
        R"("thinker_config":{"text_config":{"num_experts_per_tok":3}},"moe_k":1)"}) {
    EXPECT_EQ(load(file, object(fields)).experts_per_token, 3U) << fields;
  }
  EXPECT_EQ(load(file, R"({"moe_k":null})").experts_per_token, 0U);
  EXPECT_TRUE(says(complaint(file, R"({"moe_topk":[3,2]})"), "moe_topk must be one number"));
  EXPECT_TRUE(says(complaint(file, R"({"moe_k":5})"), "moe_k must be a whole number from 1 to 4"));
  EXPECT_TRUE(says(complaint(file, R"({"moe_topk":[3,"a"]})"), "not 'a'"));
}

TEST(UnusualModel, LayersAreCountedWhereALanguageModelsConfigIsInner) {
  for (const std::string name :
       {R"("text_config":)", R"("language_config":)", R"("llm_config":)"}) {
    EXPECT_TRUE(says(complaint(four_experts(), object(name + R"({"num_hidden_layers":2})")),
                     "holds 1 of the 2 layers"))
        << name;
  }
}

TEST(UnusualModel, ATiedHeadIsTheEmbedding) {
  Checkpoint file;
  file.add(layer + "mlp.up_proj.weight", "BF16", "8,16", 256)
      .add("model.embed_tokens.weight", "BF16", "32,16", 1024)
      .add("lm_head.weight", "BF16", "32,16", 1024);
  EXPECT_EQ(load(file, R"({"tie_word_embeddings":true})").bytes(), 256U + 1024);
  EXPECT_EQ(load(file, R"({"text_config":{},"tie_word_embeddings":true})").bytes(), 256U + 1024);
  EXPECT_EQ(load(file, R"({"tie_word_embeddings":false})").bytes(), 256U + 2 * 1024);
  EXPECT_EQ(load(file).bytes(), 256U + 2 * 1024);
  Checkpoint headed;  // nothing else would be the head
  headed.add(layer + "mlp.up_proj.weight", "BF16", "8,16", 256)
      .add("lm_head.weight", "BF16", "32,16", 1024);
  EXPECT_EQ(load(headed, R"({"tie_word_embeddings":true})").bytes(), 256U + 1024);
}

TEST(UnusualModel, ConfigsOfDraftsAndOfEncodersWithDecodersAreRefused) {
  Checkpoint file;
  file.add(layer + "mlp.up_proj.weight", "BF16", "8,16", 256);
  const TempDirectory directory;
  const auto alone = [&](const std::string& config) {
    return testing::message_of<UsageError>(
        [&] { load_model(directory.write("config.json", config).string()); });
  };
  const std::string llama = R"("model_type":"llama","hidden_size":64,"intermediate_size":96,)"
                            R"("num_hidden_layers":1,"num_attention_heads":4,"vocab_size":128)";
  for (const std::string field :
       {R"("architectures":["LlamaForCausalLMEagle3"])", R"("architectures":["MedusaModel"])",
        R"("draft_vocab_size":32)", R"("speculators_config":{})"}) {
    EXPECT_TRUE(says(alone(object(llama, field)), "a draft for another model")) << field;
    EXPECT_TRUE(says(complaint(file, object(field)), "a draft for another model")) << field;
  }
  EXPECT_EQ(alone(object(llama, R"("architectures":["LlamaForCausalLM"])")), "");
  EXPECT_EQ(complaint(file, R"({"architectures":["Eagle2_5_VLForConditionalGeneration"]})"), "");
  const std::string t5 = R"({"model_type":"t5","is_encoder_decoder":true})";
  EXPECT_TRUE(says(alone(t5), "only models that run all layers for each token"));
  EXPECT_TRUE(says(complaint(file, t5), "only models that run all layers for each token"));
}

TEST(UnusualModel, AConfigThatSaysTooLittleSendsForTheTensors) {
  const TempDirectory directory;
  for (const std::string config : {R"({"hidden_size":64})", R"({"model_type":"llama"})",
                                   R"({"model_type":"llava","text_config":{"hidden_size":64}})"}) {
    EXPECT_TRUE(says(testing::message_of<UsageError>(
                         [&] { load_model(directory.write("config.json", config).string()); }),
                     "; give the model's safetensors"))
        << config;
  }
}

TEST(UnusualModel, WhatDraftsOrSeesIsSaidApartAndInNoNumber) {
  Checkpoint text;
  text.add(layer + "mlp.up_proj.weight", "BF16", "8,16", 256)
      .add("model.embed_tokens.weight", "BF16", "32,16", 1024);
  Checkpoint all = text;
  all.add("model.layers.1.eh_proj.weight", "BF16", "1024,1024", 2097152)
      .add("model.layers.1.mlp.up_proj.weight", "BF16", "8,16", 256)
      .add("visual.blocks.0.attn.qkv.weight", "BF16", "1024,2048", 4194304);
  const Model model = load(all);
  const ModelSlice slice = sliced(model);
  EXPECT_EQ(slice.offloaded_bytes, 256U);
  EXPECT_EQ(slice.other_bytes, 1024U);
  const std::vector<std::string> warnings = layout_of(model, offloading(model, {}), slice).warnings;
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(says(warnings[0], "layers that draft tokens ahead, 2 MiB, are left out"));
  EXPECT_TRUE(says(warnings[1], "parts for images or sound, 4 MiB, are left out"));
  EXPECT_TRUE(layout_of(load(text), offloading(load(text), {}), slice).warnings.empty());
}

/// A llama of one layer whose embedding is its head.
struct NamedShape {
  std::string safetensors;
  std::string gguf;
  std::uint64_t rows;  // 0: a norm
  std::uint64_t cols;
};
const std::vector<NamedShape>& small_llama() {
  static const std::vector<NamedShape> tensors{
      {"model.embed_tokens", "token_embd", 128, 64},
      {"model.norm", "output_norm", 0, 64},
      {layer + "input_layernorm", "blk.0.attn_norm", 0, 64},
      {layer + "self_attn.q_proj", "blk.0.attn_q", 64, 64},
      {layer + "self_attn.k_proj", "blk.0.attn_k", 32, 64},
      {layer + "self_attn.v_proj", "blk.0.attn_v", 32, 64},
      {layer + "self_attn.o_proj", "blk.0.attn_output", 64, 64},
      {layer + "post_attention_layernorm", "blk.0.ffn_norm", 0, 64},
      {layer + "mlp.gate_proj", "blk.0.ffn_gate", 96, 64},
      {layer + "mlp.up_proj", "blk.0.ffn_up", 96, 64},
      {layer + "mlp.down_proj", "blk.0.ffn_down", 64, 96}};
  return tensors;
}

TEST(UnusualModel, TheSameModelIsTheSamePlanFromEveryFile) {
  Checkpoint safetensors;
  GgufWriter gguf;
  gguf.key_text("general.architecture", "llama").key_u32("llama.block_count", 1);
  std::string map;
  std::uint64_t offset = 0;
  for (const NamedShape& tensor : small_llama()) {
    const std::string rows = tensor.rows == 0 ? "" : std::to_string(tensor.rows) + ",";
    const std::uint64_t bytes = 2 * std::max<std::uint64_t>(tensor.rows, 1) * tensor.cols;
    safetensors.add(tensor.safetensors + ".weight", "BF16", rows + std::to_string(tensor.cols),
                    bytes);
    map.append(map.empty() ? "\"" : ",\"").append(tensor.safetensors);
    map.append(R"(.weight":"a.safetensors")");
    std::vector<std::uint64_t> dimensions{tensor.cols};
    if (tensor.rows > 0) dimensions.push_back(tensor.rows);
    constexpr std::uint32_t bf16 = 30;
    gguf.tensors.push_back({tensor.gguf + ".weight", dimensions, bf16, offset});
    offset += bytes;
  }
  safetensors
      .add("lm_head.weight", "BF16", "128,64", 16384)  // a copy
      .add("model.layers.1.eh_proj.weight", "BF16", "64,128", 16384)
      .add("visual.blocks.0.attn.qkv.weight", "BF16", "64,64", 8192);
  const std::string config =
      R"({"model_type":"llama","hidden_size":64,"intermediate_size":96,"num_hidden_layers":1,)"
      R"("num_attention_heads":4,"num_key_value_heads":2,"vocab_size":128,)"
      R"("tie_word_embeddings":true})";
  const TempDirectory directory;
  directory.write("config/config.json", config);
  directory.write("whole/config.json", config);
  directory.write("whole/model.safetensors", safetensors.header());
  directory.write("index/a.safetensors", safetensors.header());
  directory.write("index/model.safetensors.index.json", object(R"("weight_map":)" + object(map)));
  directory.write("gguf/a.gguf", gguf.header());
  for (const std::string form : {"config", "whole", "index", "gguf"}) {
    const ModelSlice slice = sliced(load_model((directory.path() / form).string()));
    EXPECT_EQ(slice.offloaded_bytes, 2U * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64)) << form;
    EXPECT_EQ(slice.other_bytes, 2U * (128 * 64 + 3 * 64)) << form;
    EXPECT_EQ(slice.layers, 1U) << form;
  }
}

TEST(UnusualModel, ALayersBytesHoldItsScales) {
  Checkpoint file;
  for (const std::string& module : {layer + "mlp.up_proj", layer + "mlp.down_proj"}) {
    file.add(module + ".weight", "F8_E4M3", "16,16", 256)
        .add(module + ".weight_scale_inv", "F32", "2,2", 16);
  }
  const Model model = load(file);
  const auto kind_with = [&](const OffloadRules& rules) {
    return layout_of(model, offloading(model, rules), {}).kinds.at(0);
  };
  EXPECT_EQ(kind_with({}).offloaded_bytes, 2U * (256 + 16));
  EXPECT_EQ(kind_with({}).resident_bytes, 0U);
  const LayerKind down =
      kind_with({.group_size = 1, .num_in_group = 1, .offload_params = {"down_proj"}});
  EXPECT_EQ(down.offloaded_bytes, 256U + 16);
  EXPECT_EQ(down.resident_bytes, 256U + 16);
  const LayerKind scales =
      kind_with({.group_size = 1, .num_in_group = 1, .offload_params = {"weight_scale_inv"}});
  EXPECT_EQ(scales.offloaded, std::vector<std::string>{"scales"});
  EXPECT_EQ(scales.offloaded_bytes, 2U * 16);
}

TEST(UnusualModel, AdaptersAreRefusedByWhatTheyAre) {
  Checkpoint lora;
  const std::string query = "base_model.model.model.layers.0.self_attn.q_proj.";
  lora.add(query + "lora_A.weight", "BF16", "8,16", 256)
      .add(query + "lora_B.weight", "BF16", "16,8", 256)
      .add(query + "lora_magnitude_vector", "BF16", "16", 32);
  const TempDirectory directory;
  const fs::path file = directory.write("peft/adapter_model.safetensors", lora.header());
  EXPECT_TRUE(says(testing::message_of<UsageError>([&] { load_model(file.string()); }),
                   "holds an adapter (LoRA)"));
  const std::string peft = (directory.path() / "peft").string();
  directory.write("peft/adapter_config.json", "{}");
  for (int with_config = 0; with_config < 2; ++with_config) {
    EXPECT_TRUE(says(testing::message_of<UsageError>([&] { load_model(peft); }),
                     "an adapter (adapter_config.json)"));
    directory.write("peft/config.json", R"({"model_type":"llama"})");
  }
  // Beside a model's own weights both are no harm.
  lora.add("model.layers.0.self_attn.q_proj.base_layer.weight", "BF16", "32,32", 2048)
      .add("model.layers.0.mlp.up_proj.weight", "BF16", "32,32", 2048);
  directory.write("peft/model.safetensors", lora.header());
  directory.write("peft/config.json", "{}");
  EXPECT_EQ(testing::message_of<UsageError>([&] { load_model(peft); }), "");
}

}  // namespace
}  // namespace offload
