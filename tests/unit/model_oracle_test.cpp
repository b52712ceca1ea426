// SPDX-License-Identifier: Apache-2.0
// The readers against what transformers builds of the same config: scripts/model_oracle.py writes
// its counts. What is not read exactly so is listed in open.txt, line by line.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/presets.hpp"
#include "offload/error.hpp"
#include "tests/unit/model_files.hpp"
#include "tests/unit/oracle_files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

using oracle::at;
using oracle::content_of;
using oracle::difference;
using oracle::header_of;
using oracle::names_of;
using oracle::number;
using oracle::tensors_of;
using oracle::text;

const fs::path data = oracle::directory() / "oracle";

/// What becomes of a file: "" when it is read right, "refused", or "wrong" and what is. How many
/// experts a token takes is asked for as soon as it is needed.
std::string outcome(const fs::path& path, const JsonValue& oracle, std::uint64_t parameters) {
  try {
    const Model model = load_model(path.string());
    if (model.experts > 0 && model.experts_per_token == 0) return "refused: experts per token";
    const std::string found = difference(model, oracle, parameters);
    return found.empty() ? "" : "wrong: " + found;
  } catch (const UsageError& error) {
    EXPECT_TRUE(says(error.what(), path.string()));
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return "refused";
  }
}

std::string line(std::string_view form, std::string_view name, std::string_view result) {
  return std::string(form).append(name).append(" ").append(result);
}

std::set<std::string> listed(std::string_view form) {
  std::set<std::string> lines;
  std::istringstream all(content_of(data / "open.txt"));
  for (std::string line; std::getline(all, line);) {
    if (line.starts_with(form)) lines.insert(line);
  }
  return lines;
}

/// Both ways: nothing is worse than listed, and nothing that is read stays listed.
void expect_listed(std::string_view form, const std::set<std::string>& found) {
  const std::set<std::string> lines = listed(form);
  for (const std::string& line : found) {
    if (!lines.contains(line)) ADD_FAILURE() << "not in open.txt:\n" << line;
  }
  for (const std::string& line : lines) {
    if (!found.contains(line)) ADD_FAILURE() << "no longer so, but in open.txt:\n" << line;
  }
}

std::vector<JsonValue> oracle_models() {
  const std::string file = (data / "models.json").string();
  std::vector<JsonValue> models = at(parse_json(content_of(file), file), "models").items();
  EXPECT_GT(models.size(), 150U);
  return models;
}

TEST(ModelOracle, ConfigsAreReadExactlyOrListed) {
  std::set<std::string> found;
  for (const JsonValue& model : oracle_models()) {
    const std::string name = text(at(model, "name"));
    const fs::path path = data / name / "config.json";
    const std::string result = outcome(path, model, number(model, "parameters"));
    if (!result.empty()) found.insert(line("config ", name, result));
  }
  expect_listed("config ", found);
}

/// The tensors that the model which transformers builds does not hold under that name and shape.
std::string other_names(const Model& model, const JsonValue& oracle) {
  std::map<std::string, std::vector<std::uint64_t>> shapes;
  for (const JsonValue& entry : at(oracle, "names").items()) {
    std::vector<std::uint64_t> shape;
    for (const JsonValue& item : entry.items()[1].items()) {
      shape.push_back(item.whole_number().value());
    }
    for (const std::string& name : names_of(text(entry.items()[0]))) shapes[name] = shape;
  }
  std::vector<ModelTensor> tensors = model.ends;
  for (const ModelLayer& layer : model.layers) {
    tensors.insert(tensors.end(), layer.tensors.begin(), layer.tensors.end());
  }
  for (const ModelTensor& tensor : tensors) {
    const auto found = shapes.find(tensor.name);
    if (found == shapes.end()) return tensor.name + " is none of its names";
    std::vector<std::uint64_t> shape = tensor.shape;
    // Experts may be published one below the other, and are told apart when they are read.
    if (shape.size() == 3 && found->second.size() == 2) shape = {shape[0] * shape[1], shape[2]};
    // Experts in one tensor are published transposed and built otherwise, or the other way round.
    if (shape.size() == 3) std::sort(shape.begin(), shape.end());
    if (shape.size() == 3) std::sort(found->second.begin(), found->second.end());
    // transformers cuts the three convolutions of OLMo Hybrid out of one, in equal parts.
    if (tensor.name.find("linear_attn.") != tensor.name.npos &&
        tensor.name.ends_with("conv1d.weight"))
      continue;
    // And both tables of Molmo2.
    if (tensor.name.ends_with(".wte.embedding") || tensor.name.ends_with(".wte.new_embedding"))
      continue;
    if (found->second != shape) return tensor.name + " is of another shape";
  }
  return "";
}

TEST(ModelOracle, ConfigsGiveTheNamesOfTheCheckpoint) {
  // When transformers saves these, the text's layers get the name of the images'.
  const std::set<std::string_view> renamed{"kimi_k25", "qianfan_ocr"};
  for (const JsonValue& model : oracle_models()) {
    if (at(model, "names").is_null()) continue;
    const std::string name = text(at(model, "name"));
    if (renamed.contains(name)) continue;
    const std::string path = (data / name / "config.json").string();
    try {
      EXPECT_EQ(other_names(load_model(path), model), "") << name;
    } catch (const UsageError&) {
      continue;  // listed in open.txt
    }
  }
}

TEST(ModelOracle, HeadersAreReadExactlyOrListed) {
  const std::vector<JsonValue> models = oracle_models();
  std::set<std::string> all_names;
  for (const JsonValue& model : models) all_names.insert(text(at(model, "name")));
  std::set<std::string> found;
  for (const JsonValue& model : models) {
    if (at(model, "names").is_null()) continue;
    const std::string name = text(at(model, "name"));
    // One of each architecture is enough: presets of it differ in lengths alone.
    const std::string type = text(at(model, "model_type"));
    if (!find_preset_model(name).empty() && all_names.contains(type)) continue;
    const TempDirectory directory;
    const fs::path config = directory.write("config.json", content_of(data / name / "config.json"));
    directory.write("model.safetensors", safetensors_file(header_of(tensors_of(model))));
    const std::uint64_t all = number(model, "parameters") + number(model, "other_parameters");
    const std::string result = outcome(config.parent_path(), model, all);
    if (!result.empty()) found.insert(line("safetensors ", name, result));
  }
  expect_listed("safetensors ", found);
}

/// As llama.cpp's converter writes it: the header alone.
std::string gguf_of(const JsonValue& file, const JsonValue& model) {
  const std::string architecture = text(at(file, "architecture"));
  const auto count = [&](std::string_view object, const JsonValue& from) {
    return static_cast<std::uint32_t>(number(from, object));
  };
  GgufWriter gguf;
  gguf.key_text("general.architecture", architecture)
      .key_u32(architecture + ".block_count", count("block_count", file));
  if (number(model, "experts") > 0) {
    gguf.key_u32(architecture + ".expert_count", count("experts", model))
        .key_u32(architecture + ".expert_used_count", count("experts_per_token", model));
  }
  std::uint64_t offset = 0;
  for (const ModelTensor& tensor : tensors_of(file)) {
    constexpr std::uint32_t f32 = 0;
    constexpr std::uint32_t bf16 = 30;
    constexpr std::uint64_t alignment = 32;
    gguf.tensors.push_back({tensor.name,
                            {tensor.shape.rbegin(), tensor.shape.rend()},
                            tensor.dtype == "F32" ? f32 : bf16,
                            offset});
    offset += (tensor.bytes + alignment - 1) / alignment * alignment;
  }
  return gguf.header();
}

TEST(ModelOracle, GgufsAreReadExactlyOrListed) {
  const std::string source = (data / "gguf.json").string();
  const std::vector<JsonValue> files = at(parse_json(content_of(source), source), "models").items();
  EXPECT_GT(files.size(), 100U);
  const std::vector<JsonValue> models = oracle_models();
  std::set<std::string> found;
  for (const JsonValue& file : files) {
    const std::string name = text(at(file, "name"));
    const auto model = std::find_if(models.begin(), models.end(), [&](const JsonValue& one) {
      return text(at(one, "name")) == name;
    });
    ASSERT_NE(model, models.end()) << name;
    const TempDirectory directory;
    const fs::path path = directory.write("model.gguf", gguf_of(file, *model));
    const std::string result = outcome(path, *model, number(file, "parameters"));
    if (!result.empty()) found.insert(line("gguf ", name, result));
  }
  expect_listed("gguf ", found);
}

}  // namespace
}  // namespace offload
