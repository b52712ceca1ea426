// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a model's weights lie: of tensors that engines join too, and what is refused.
#include "bench/models/stored_content.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "bench/measure/content.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/gguf.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "offload/error.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/stored_model.hpp"

namespace offload {
namespace {

using testing::StoredModel;

std::string bytes_at(const StoredRows& part, std::size_t row_bytes) {
  std::ifstream file(part.file->path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(part.offset));
  std::string bytes(part.rows * row_bytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

/// What the parts of a tensor hold, one behind the other.
std::string bytes_of(const WeightTensor& tensor) {
  std::string bytes;
  for (const StoredRows& part : tensor.stored) bytes += bytes_at(part, tensor.row_bytes());
  return bytes;
}

std::vector<WeightTensor> layer_of(const Model& model, std::size_t index = 0) {
  const ModelLayer& layer = model.layers.at(index);
  return linear_weights(layer, index, std::vector<bool>(layer.tensors.size(), true));
}

const WeightTensor& named(const std::vector<WeightTensor>& weights, std::string_view name) {
  for (const WeightTensor& weight : weights) {
    if (weight.name.find(name) != std::string::npos) return weight;
  }
  throw std::logic_error("no weight " + std::string(name));
}

Model stored(const std::string& given) {
  Model model = load_model(given);
  find_stored_content(model, given);
  return model;
}

TEST(StoredContent, OfACheckpointIsWhereItsHeaderSays) {
  const StoredModel model;
  for (std::size_t layer = 0; layer < StoredModel::layers; ++layer) {
    const auto weights = layer_of(stored(model.directory()), layer);
    for (const char* const name : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
      const WeightTensor& weight = named(weights, name);
      const std::string full =
          "model.layers." + std::to_string(layer) + ".self_attn." + name + ".weight";
      ASSERT_EQ(weight.stored.size(), 1U);
      EXPECT_EQ(weight.stored[0].offset, model.offset(full));
      EXPECT_EQ(bytes_of(weight), model.bytes(full));
    }
  }
}

TEST(StoredContent, OfJoinedTensorsIsInPartsThatFollowTheRows) {
  const StoredModel model;
  const auto weights = layer_of(fused(stored(model.directory())));
  const std::string layer = "model.layers.0.";
  const WeightTensor& qkv = named(weights, "qkv_proj");
  ASSERT_EQ(qkv.stored.size(), 3U);
  EXPECT_EQ(qkv.stored[0].rows, StoredModel::hidden);
  EXPECT_EQ(qkv.stored[1].rows, StoredModel::kv);
  EXPECT_EQ(bytes_of(qkv), model.bytes(layer + "self_attn.q_proj.weight") +
                               model.bytes(layer + "self_attn.k_proj.weight") +
                               model.bytes(layer + "self_attn.v_proj.weight"));
  // Neighbours in the file are one part.
  const WeightTensor& gate_up = named(weights, "gate_up_proj");
  EXPECT_EQ(gate_up.stored.size(), 1U);
  EXPECT_EQ(bytes_of(gate_up), model.bytes(layer + "mlp.gate_proj.weight") +
                                   model.bytes(layer + "mlp.up_proj.weight"));
}

TEST(StoredContent, OfSingleProjectionsIsTheFirstLayers) {
  const StoredModel model;
  const auto sets = projections_of(stored(model.directory()));
  for (const WeightSet& set : sets) {
    std::size_t rows = 0;
    for (const StoredRows& part : set.tensors[0].stored) rows += part.rows;
    EXPECT_EQ(rows, set.tensors[0].rows) << set.name;
  }
  EXPECT_EQ(bytes_of(sets.back().tensors[0]), model.bytes("model.layers.0.mlp.down_proj.weight"));
}

/// Experts with tensors of their own, and tensors of all experts.
std::string experts(Checkpoint& checkpoint, bool stacked) {
  const std::string layer = "model.layers.0.";
  checkpoint.add(layer + "self_attn.o_proj.weight", "BF16", "4,4", 32)
      .add(layer + "mlp.gate.weight", "BF16", "2,4", 16);
  if (stacked) {
    checkpoint.add(layer + "mlp.experts.gate_proj.weight", "BF16", "2,3,4", 48)
        .add(layer + "mlp.experts.up_proj.weight", "BF16", "2,3,4", 48);
  }
  for (int e = 0; e < 2 && !stacked; ++e) {
    const std::string expert = layer + "mlp.experts." + std::to_string(e) + ".";
    checkpoint.add(expert + "down_proj.weight", "BF16", "4,3", 24)
        .add(expert + "gate_proj.weight", "BF16", "3,4", 24)
        .add(expert + "up_proj.weight", "BF16", "3,4", 24);
  }
  return checkpoint.header();
}

std::string counting(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(i);
  return text;
}

TEST(StoredContent, OfStackedExpertsIsExpertByExpert) {
  Checkpoint checkpoint;
  const TempDirectory directory;
  const std::string header = experts(checkpoint, false);
  directory.write("model.safetensors", header + counting(192));
  const Model model = stored(directory.path().string());
  const auto weights = layer_of(fused(model));
  // o_proj and the router come first; then of each expert down, gate and up.
  const std::string data = counting(192).substr(48);
  const WeightTensor& w13 = named(weights, "w13_weight");
  EXPECT_EQ(bytes_of(w13), data.substr(24, 48) + data.substr(96, 48));
  EXPECT_EQ(w13.stored.size(), 2U);
  EXPECT_EQ(bytes_of(named(weights, "w2_weight")), data.substr(0, 24) + data.substr(72, 24));
  // A checkpoint's own experts are stacked too.
  EXPECT_EQ(bytes_of(named(layer_of(model), "down_proj")),
            data.substr(0, 24) + data.substr(72, 24));
}

TEST(StoredContent, OfJoinedStacksTakesTurnsByExpert) {
  Checkpoint checkpoint;
  const TempDirectory directory;
  const std::string header = experts(checkpoint, true);
  directory.write("model.safetensors", header + counting(144));
  const auto weights = layer_of(fused(stored(directory.path().string())));
  const std::string data = counting(144).substr(48);
  EXPECT_EQ(bytes_of(named(weights, "w13_weight")),
            data.substr(0, 24) + data.substr(48, 24) + data.substr(24, 24) + data.substr(72, 24));
}

TEST(StoredContent, OfTensorsJoinedByColumnsIsNowhere) {
  Checkpoint checkpoint;
  for (const char* const name : {"q_proj", "k_proj", "v_proj"}) {
    const std::string module = std::string("model.layers.0.self_attn.") + name + ".";
    checkpoint.add(module + "qweight", "I32", "8,64", 2048)
        .add(module + "qzeros", "I32", "1,8", 32)
        .add(module + "scales", "F16", "1,64", 128);
  }
  const TempDirectory directory;
  directory.write("model.safetensors", checkpoint.header() + counting(std::size_t{3} * 2208));
  const Model model = stored(directory.path().string());
  EXPECT_TRUE(named(layer_of(fused(model)), "qkv_proj.qweight").stored.empty());
  const auto own = layer_of(model);
  EXPECT_EQ(bytes_of(named(own, "q_proj.qweight")).size(), 2048U);
}

TEST(StoredContent, OfAnIndexIsInTheFileThatItNames) {
  Checkpoint first;
  Checkpoint second;
  const std::string q = "model.layers.0.self_attn.q_proj.weight";
  const std::string o = "model.layers.0.self_attn.o_proj.weight";
  first.add(q, "BF16", "4,4", 32);
  second.add(q, "BF16", "4,4", 32).add(o, "BF16", "4,4", 32);
  const TempDirectory directory;
  directory.write("a.safetensors", first.header() + std::string(32, 'a'));
  directory.write("b.safetensors", second.header() + std::string(64, 'b'));
  directory.write(
      "model.safetensors.index.json",
      R"({"weight_map":{")" + q + R"(":"a.safetensors",")" + o + R"(":"b.safetensors"}})");
  const auto weights = layer_of(stored(directory.path().string()));
  EXPECT_EQ(bytes_of(named(weights, "q_proj")), std::string(32, 'a'));
  EXPECT_EQ(bytes_of(named(weights, "o_proj")), std::string(32, 'b'));
}

TEST(StoredContent, OfAGgufFollowsItsHeaderAtAMultipleOfTheAlignment) {
  const TempDirectory directory;
  const std::string header = small_gguf().header();
  const std::size_t data = (header.size() + 31) / 32 * 32;
  std::string file = header;
  file.resize(data + 10656, '-');
  file.replace(data + 4096, 288, std::string(288, 'u'));
  file.replace(data + 5408, 1152, std::string(1152, 'q'));
  const auto path = directory.write("model.gguf", file);
  const auto weights = layer_of(stored(path.string()));
  EXPECT_EQ(bytes_of(named(weights, "ffn_up")), std::string(288, 'u'));
  EXPECT_EQ(bytes_of(named(weights, "attn_q")), std::string(1152, 'q'));
}

TEST(StoredContent, BecomesTheMasterCopy) {
  const StoredModel model;
  const Platform platform;
  Session session(platform, 2);
  const WeightSet weights{"w", layer_of(fused(stored(model.directory())))};
  EXPECT_EQ(master_copy_bytes(weights), weights.bytes()) << "no two tensors share their content";
  const MasterCopy master(weights, Content::random_weights, 1, session);
  for (std::size_t i = 0; i < weights.tensors.size(); ++i) {
    const auto bytes = master.tensors()[i].bytes;
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
              bytes_of(weights.tensors[i]));
    EXPECT_EQ(master.tensors()[i].base, i);
  }
}

TEST(StoredContent, IsNotReadOfAFileThatWasChangedMeanwhile) {
  const StoredModel model;
  const Platform platform;
  Session session(platform, 2);
  const WeightSet weights{"w", layer_of(fused(stored(model.directory())))};
  std::filesystem::resize_file(model.file(), model.offset("model.layers.1.mlp.up_proj.weight"));
  const std::string error = testing::message_of<std::runtime_error>(
      [&] { MasterCopy(weights, Content::random_weights, 1, session); });
  EXPECT_TRUE(says(error, model.file().string() + " was cut short, from "));
}

TEST(StoredContent, NeedsAllOfTheFile) {
  const StoredModel model;
  const std::string last = "model.layers.1.self_attn.v_proj.weight";
  std::filesystem::resize_file(model.file(), model.offset(last) + 10);
  const std::string error =
      testing::message_of<UsageError>([&] { static_cast<void>(stored(model.directory())); });
  EXPECT_TRUE(says(error, model.file().string() + ": ends at byte " +
                              std::to_string(model.offset(last) + 10) + ", but tensor '" + last));
  EXPECT_TRUE(says(error, "; download it again"));
}

TEST(StoredContent, IsNotThereOfShapesAlone) {
  const std::string preset =
      testing::message_of<UsageError>([] { static_cast<void>(stored("llama3.1-8b")); });
  EXPECT_TRUE(says(preset, "of llama3.1-8b no more than shapes is here"));
  const TempDirectory directory;
  const auto config = directory.write("config.json", R"({"model_type":"llama","hidden_size":64,
    "intermediate_size":96,"num_hidden_layers":1,"num_attention_heads":4,"vocab_size":32})");
  const std::string alone = testing::message_of<UsageError>(
      [&] { static_cast<void>(stored(directory.path().string())); });
  EXPECT_TRUE(says(alone, config.string() + " has no safetensors beside it"));
}

}  // namespace
}  // namespace offload
