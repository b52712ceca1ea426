// SPDX-License-Identifier: Apache-2.0
// From safetensors files to a model.
#include "bench/models/safetensors.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/model_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

Model model_of(const Checkpoint& checkpoint) {
  const TempDirectory directory;
  const fs::path path = directory.write("Tiny-1B/model.safetensors", checkpoint.header());
  return read_safetensors({&path, 1});
}

Names names_of(const std::vector<ModelTensor>& tensors) {
  Names names;
  names.reserve(tensors.size());
  for (const ModelTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}

const ModelTensor& tensor_of(const Model& model, const std::string& name) {
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) {
      if (tensor.name == name) return tensor;
    }
  }
  throw std::out_of_range(name);
}

std::string complaint_of_index(const fs::path& path) {
  return testing::message_of<UsageError>([&] { read_safetensors_index(path); });
}

TEST(SafetensorsModel, PutsALayerInTheOrderItRuns) {
  Checkpoint checkpoint;
  const std::string layer = "model.layers.0.";
  checkpoint.add(layer + "mlp.down_proj.weight", "BF16", "8,16", 256)
      .add(layer + "mlp.up_proj.weight", "BF16", "16,8", 256)
      .add(layer + "mlp.gate_proj.weight", "BF16", "16,8", 256)
      .add(layer + "post_attention_layernorm.weight", "BF16", "8", 16)
      .add(layer + "self_attn.o_proj.weight", "BF16", "8,8", 128)
      .add(layer + "self_attn.v_proj.weight", "BF16", "4,8", 64)
      .add(layer + "self_attn.q_norm.weight", "BF16", "4", 8)
      .add(layer + "self_attn.q_proj.bias", "BF16", "8", 16)
      .add(layer + "self_attn.q_proj.weight", "BF16", "8,8", 128)
      .add(layer + "self_attn.k_proj.weight", "BF16", "4,8", 64)
      .add(layer + "input_layernorm.weight", "BF16", "8", 16)
      .add("model.embed_tokens.weight", "BF16", "32,8", 512)
      .add("model.norm.weight", "BF16", "8", 16)
      .add("lm_head.weight", "BF16", "32,8", 512);
  const Model model = model_of(checkpoint);
  EXPECT_EQ(model.name, "Tiny-1B");
  EXPECT_EQ(model.experts, 0U);
  ASSERT_EQ(model.layers.size(), 1U);
  EXPECT_EQ(names_of(model.layers[0].tensors),
            (Names{layer + "input_layernorm.weight", layer + "self_attn.q_proj.weight",
                   layer + "self_attn.q_proj.bias", layer + "self_attn.k_proj.weight",
                   layer + "self_attn.v_proj.weight", layer + "self_attn.q_norm.weight",
                   layer + "self_attn.o_proj.weight", layer + "post_attention_layernorm.weight",
                   layer + "mlp.gate_proj.weight", layer + "mlp.up_proj.weight",
                   layer + "mlp.down_proj.weight"}));
  EXPECT_EQ(model.ends[0].part, Part::embedding);
  EXPECT_EQ(model.ends[1].part, Part::norm);
  EXPECT_EQ(model.ends[2].part, Part::head);
}

TEST(SafetensorsModel, CountsExpertsStoredOneByOneAndStacked) {
  Checkpoint mixtral;
  const auto name = [](const std::string& expert, const std::string& matrix) {
    return "model.layers.0.block_sparse_moe.experts." + expert + "." + matrix + ".weight";
  };
  for (const auto* const expert : {"10", "2", "0"}) {
    for (const auto* const matrix : {"w2", "w1", "w3"}) {
      mixtral.add(name(expert, matrix), "BF16", "8,8", 128);
    }
  }
  mixtral.add("model.layers.0.block_sparse_moe.gate.weight", "BF16", "11,8", 176);
  const Model model = model_of(mixtral);
  EXPECT_EQ(model.experts, 11U);
  EXPECT_EQ(model.experts_per_token, 0U);
  const auto& tensors = model.layers[0].tensors;
  EXPECT_EQ(tensors[0].part, Part::router);
  EXPECT_EQ(tensors[1].name, "model.layers.0.block_sparse_moe.experts.0.w1.weight");
  EXPECT_EQ(tensors[2].name, "model.layers.0.block_sparse_moe.experts.0.w3.weight");
  EXPECT_EQ(tensors[4].name, "model.layers.0.block_sparse_moe.experts.2.w1.weight");
  EXPECT_EQ(tensors[9].name, "model.layers.0.block_sparse_moe.experts.10.w2.weight");
  EXPECT_EQ(tensors[9].part, Part::experts);

  Checkpoint stacked;
  stacked.add("model.layers.0.mlp.experts.gate_up_proj_blocks", "U8", "4,16,2,16", 2048)
      .add("model.layers.0.mlp.experts.gate_up_proj_scales", "U8", "4,16,2", 128)
      .add("model.layers.0.mlp.experts.gate_up_proj_bias", "BF16", "4,16", 128);
  const Model oss = model_of(stacked);
  EXPECT_EQ(oss.experts, 4U);
  // Two 4-bit weights a byte; a scale is no weight.
  EXPECT_EQ(tensor_of(oss, "model.layers.0.mlp.experts.gate_up_proj_blocks").parameters, 4096U);
  EXPECT_EQ(tensor_of(oss, "model.layers.0.mlp.experts.gate_up_proj_scales").parameters, 0U);
  EXPECT_EQ(tensor_of(oss, "model.layers.0.mlp.experts.gate_up_proj_bias").parameters, 64U);
}

TEST(SafetensorsModel, CountsWeightsNotStoredElements) {
  const std::string layer = "model.layers.0.mlp.";
  Checkpoint checkpoint;
  // GPTQ: 64 x 32 weights of 4 bits, 8 in a word; zero points likewise, one group of 64 rows.
  checkpoint.add(layer + "up_proj.qweight", "I32", "8,32", 1024)
      .add(layer + "up_proj.qzeros", "I32", "1,4", 16)
      .add(layer + "up_proj.scales", "F16", "1,32", 64)
      .add(layer + "up_proj.g_idx", "I32", "64", 256)
      // NVFP4: 16 x 32 weights, two a byte, a scale for 16.
      .add(layer + "down_proj.weight", "U8", "16,16", 256)
      .add(layer + "down_proj.weight_scale", "F8_E4M3", "16,2", 32)
      .add(layer + "down_proj.weight_scale_2", "F32", "", 4)
      // bitsandbytes: 32 x 32 weights, two a byte, in one column.
      .add(layer + "fc1.weight", "U8", "512,1", 512)
      .add(layer + "fc1.weight.quant_map", "F32", "16", 64)
      .add(layer + "fc1.weight.absmax", "F32", "16", 64)
      // DeepSeek: one scale for 128 x 128 weights of 8 bits.
      .add(layer + "gate_proj.weight", "F8_E4M3", "128,128", 16384)
      .add(layer + "gate_proj.weight_scale_inv", "F32", "1,1", 4);
  const Model model = model_of(checkpoint);
  EXPECT_EQ(tensor_of(model, layer + "up_proj.qweight").parameters, 64U * 32U);
  EXPECT_EQ(tensor_of(model, layer + "up_proj.qzeros").parameters, 0U);
  EXPECT_EQ(tensor_of(model, layer + "up_proj.scales").parameters, 0U);
  EXPECT_EQ(tensor_of(model, layer + "up_proj.g_idx").parameters, 0U);
  EXPECT_EQ(tensor_of(model, layer + "down_proj.weight").parameters, 16U * 32U);
  EXPECT_EQ(tensor_of(model, layer + "down_proj.weight_scale").parameters, 0U);
  EXPECT_EQ(tensor_of(model, layer + "down_proj.weight_scale_2").parameters, 0U);
  EXPECT_EQ(tensor_of(model, layer + "fc1.weight").parameters, 32U * 32U);
  EXPECT_EQ(tensor_of(model, layer + "gate_proj.weight").parameters, 128U * 128U);
  EXPECT_EQ(tensor_of(model, layer + "gate_proj.weight_scale_inv").parameters, 0U);
}

TEST(SafetensorsModel, WordsWithoutAConfigHoldWhatTheyShowOrUsuallyHold) {
  const std::string layer = "model.layers.0.mlp.";
  Checkpoint checkpoint;
  // compressed-tensors: 16 x 64 weights of 8 bits, four in a word as in the word of zero points.
  checkpoint.add(layer + "up_proj.weight_packed", "I32", "16,16", 1024)
      .add(layer + "up_proj.weight_scale", "BF16", "16,2", 64)
      .add(layer + "up_proj.weight_zero_point", "I32", "4,2", 32)
      // Without zero points: 16 x 64 of 4 bits.
      .add(layer + "down_proj.weight_packed", "I32", "16,8", 512)
      .add(layer + "down_proj.weight_scale", "BF16", "16,2", 64)
      // MLX: a scale for 64 weights, whatever their bits.
      .add(layer + "gate_proj.weight", "U32", "16,24", 1536)
      .add(layer + "gate_proj.scales", "BF16", "16,2", 64)
      .add(layer + "gate_proj.biases", "BF16", "16,2", 64);
  const Model model = model_of(checkpoint);
  EXPECT_EQ(tensor_of(model, layer + "up_proj.weight_packed").parameters, 16U * 64);
  EXPECT_EQ(tensor_of(model, layer + "down_proj.weight_packed").parameters, 16U * 64);
  EXPECT_EQ(tensor_of(model, layer + "gate_proj.weight").parameters, 16U * 128);
  EXPECT_EQ(model.parameters(), 16U * 64 + 16U * 64 + 16U * 128);
}

TEST(SafetensorsModel, KeepsTowersAndDraftingLayersOutOfTheLayers) {
  Checkpoint checkpoint;
  checkpoint.add("model.visual.blocks.0.attn.qkv.weight", "BF16", "64,64", 8192)
      .add("model.visual.blocks.1.attn.qkv.weight", "BF16", "64,64", 8192)
      .add("model.visual.patch_embed.proj.weight", "BF16", "8,8", 128)
      .add("model.language_model.layers.0.self_attn.q_proj.weight", "BF16", "8,8", 128)
      .add("model.language_model.layers.1.self_attn.q_proj.weight", "BF16", "8,8", 128)
      .add("model.language_model.layers.1.eh_proj.weight", "BF16", "8,16", 256)
      .add("model.language_model.embed_tokens.weight", "BF16", "8,8", 128)
      .add("mtp.layers.0.self_attn.q_proj.weight", "BF16", "64,64", 8192)
      .add("model.language_model.layers.0.self_attn.empty", "BF16", "0", 0);
  const Model model = model_of(checkpoint);
  ASSERT_EQ(model.layers.size(), 1U);
  EXPECT_EQ(names_of(model.layers[0].tensors),
            Names{"model.language_model.layers.0.self_attn.q_proj.weight"});
  EXPECT_EQ(model.ends.size(), 7U);
  EXPECT_EQ(model.bytes(Part::tower), 2U * 8192 + 128);
  EXPECT_EQ(model.bytes(Part::drafting), 128U + 256 + 8192);
  EXPECT_EQ(model.bytes(Part::embedding), 128U);
}

TEST(SafetensorsModel, KeepsExpertsForImagesOutOfTheLayers) {
  const std::string mlp = "model.layers.0.mlp.";
  Checkpoint checkpoint;
  checkpoint.add(mlp + "experts.0.up_proj.weight", "BF16", "4,8", 64)
      .add(mlp + "experts.1.up_proj.weight", "BF16", "4,8", 64)
      .add(mlp + "experts.2.up_proj.weight", "BF16", "2,8", 32)
      .add(mlp + "experts.3.up_proj.weight", "BF16", "2,8", 32)
      .add(mlp + "gate.weight_1", "F32", "8,2", 64);
  EXPECT_NE(testing::message_of<UsageError>([&] {
              model_of(checkpoint);
            }).find("no 'model.layers.0.mlp.gate.weight' shows how many there are for text"),
            std::string::npos);
  checkpoint.add(mlp + "gate.weight", "F32", "8,2", 64);
  const Model model = model_of(checkpoint);
  EXPECT_EQ(model.experts, 2U);
  EXPECT_EQ(model.layers[0].tensors.size(), 4U);
  EXPECT_EQ(names_of(model.ends),
            (Names{mlp + "experts.2.up_proj.weight", mlp + "experts.3.up_proj.weight"}));
  EXPECT_EQ(model.bytes(Part::tower), 64U);
}

TEST(SafetensorsModel, KeepsAdaptersForImagesOutOfTheLayers) {
  const std::string attention = "model.layers.0.self_attn.";
  Checkpoint phi;  // as Phi-4-multimodal is published
  phi.add(attention + "qkv_proj.base_layer.weight", "BF16", "12,8", 192)
      .add(attention + "qkv_proj.lora_A.speech.weight", "BF16", "2,8", 32)
      .add(attention + "qkv_proj.lora_B.vision.weight", "BF16", "12,2", 48);
  const Model model = model_of(phi);
  EXPECT_EQ(names_of(model.layers[0].tensors), Names{attention + "qkv_proj.weight"});
  EXPECT_EQ(model.bytes(Part::tower), 80U);

  Checkpoint adapted;  // for text: each token runs through it
  adapted.add(attention + "q_proj.base_layer.weight", "BF16", "8,8", 128)
      .add(attention + "q_proj.lora_A.default.weight", "BF16", "2,8", 32);
  EXPECT_EQ(model_of(adapted).layers[0].tensors.size(), 2U);
}

TEST(SafetensorsModel, WantsAllLayersAndEachTensorOnce) {
  const TempDirectory directory;
  Checkpoint one;
  one.add("model.layers.1.mlp.up_proj.weight", "BF16", "8,8", 128);
  const fs::path first = directory.write("a.safetensors", one.header());
  EXPECT_TRUE(says(testing::message_of<UsageError>([&] {
                     read_safetensors({&first, 1});
                   }),
                   "has layer 1 but no layer 0; if it is one file of several"));
  const std::vector<fs::path> both{first, directory.write("b.safetensors", one.header())};
  EXPECT_TRUE(says(testing::message_of<UsageError>([&] { read_safetensors(both); }),
                   "is in another file as well"));
  const fs::path none = directory.write("c.safetensors", safetensors_file("{}"));
  EXPECT_TRUE(says(testing::message_of<UsageError>([&] {
                     read_safetensors({&none, 1});
                   }),
                   "named after a layer"));
}

std::string layer_file(int number) {
  return Checkpoint()
      .add("model.layers." + std::to_string(number) + ".mlp.up_proj.weight", "BF16", "8,8", 128)
      .add("rest." + std::to_string(number), "U8", "4", 4)
      .header();
}

TEST(SafetensorsModel, ReadsWhatAnIndexNames) {
  const TempDirectory directory;
  const fs::path index = directory.write("model.safetensors.index.json", R"({"weight_map":{
    "model.layers.0.mlp.up_proj.weight": "s1.safetensors",
    "model.layers.1.mlp.up_proj.weight": "s2.safetensors"}})");
  EXPECT_TRUE(says(complaint_of_index(index),
                   "2 of the 2 files it names are missing: "
                   "'s1.safetensors', 's2.safetensors'"));
  directory.write("s1.safetensors", layer_file(0));
  EXPECT_TRUE(says(complaint_of_index(index), "1 of the 2 files it names is missing"));
  directory.write("s2.safetensors", layer_file(1));
  const Model model = read_safetensors_index(index);
  EXPECT_EQ(model.layers.size(), 2U);
  EXPECT_TRUE(model.ends.empty()) << "tensors the index does not name";
  directory.write("s2.safetensors", layer_file(2));
  EXPECT_TRUE(says(complaint_of_index(index),
                   "places tensor 'model.layers.1.mlp.up_proj.weight' "
                   "in 's2.safetensors', which does not hold it"));
}

TEST(SafetensorsModel, SaysWhyALayersTensorDoesNotCount) {
  const TempDirectory directory;
  const fs::path index = directory.write(
      "i.json", R"({"weight_map":{"model.layers.0.mlp.up_proj.weight":"s.safetensors"}})");
  EXPECT_TRUE(says(complaint_of_index(index), "the one file it names is missing: 's.safetensors'"));
  const std::string name = "model.layers.0.mlp.up_proj.weight";
  directory.write("s.safetensors", Checkpoint().add(name, "BF16", "0,0", 0).header());
  EXPECT_TRUE(says(complaint_of_index(index), "'" + name + "' holds nothing"));
}

TEST(SafetensorsModel, KeepsAnIndexInItsDirectory) {
  const TempDirectory directory;
  directory.write("secret.safetensors", layer_file(0));
  for (const std::string shard : {"../secret.safetensors", "/etc/x.safetensors", "a/b.safetensors",
                                  "..", "", "x.bin", "..\\\\secret.safetensors"}) {
    const fs::path index = directory.write(
        "model/i.json", R"({"weight_map":{"model.layers.0.mlp.up_proj.weight":")" + shard + "\"}}");
    EXPECT_TRUE(says(complaint_of_index(index), "which is not a safetensors file beside it"))
        << shard;
  }
  for (const std::string text : {"{}", "[]", R"({"weight_map":[]})", R"({"weight_map":{}})"}) {
    EXPECT_TRUE(says(complaint_of_index(directory.write("i.json", text)), "has no weight_map"));
  }
  EXPECT_TRUE(says(complaint_of_index(directory.write("i.json", R"({"weight_map":{"a":1}})")),
                   "places tensor 'a' in 1, which"));
  EXPECT_NE(complaint_of_index(directory.write("i.json", R"({"weight_map":{"a":)")), "");
}

}  // namespace
}  // namespace offload
