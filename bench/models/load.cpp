// SPDX-License-Identifier: Apache-2.0
#include "bench/models/load.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "bench/models/byte_reader.hpp"
#include "bench/models/gguf.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/safetensors.hpp"
#include "bench/models/shard.hpp"
#include "bench/models/unknown_model.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::uint64_t max_config_bytes = std::uint64_t{4} << 20;
constexpr std::size_t max_config_values = 15'000;

JsonValue read_json(const std::filesystem::path& path) {
  std::uint64_t bytes = 0;
  auto file = open_model_file(path, bytes);
  if (bytes > max_config_bytes) throw UsageError(path.string() + ": too large for a config.json");
  if (bytes == 0) throw UsageError(path.string() + ": is empty");
  const std::string text = ByteReader(file, bytes, path.string()).text(bytes, "the config");
  return parse_json(text, path.string(), {.depth = 64, .values = max_config_values});
}

Model from_config_alone(const ModelFiles& files) {
  std::optional<QuantizationFile> beside;
  if (files.quantization) {
    beside = QuantizationFile{read_json(*files.quantization), files.quantization->string()};
  }
  return model_from_config(read_json(*files.config), files.name, files.config->string(), beside);
}

/// Layers that are missing at the end leave no gap by which they could be noticed.
void require_all_layers(const Model& model, std::size_t layers, const std::string& config) {
  if (model.layers.size() >= layers) return;
  throw UsageError(model.source + ": holds " + std::to_string(model.layers.size()) + " of the " +
                   std::to_string(layers) + " layers that " + config +
                   " names; download the other files, or give a config.json alone");
}

/// A checkpoint may hold a copy of the embedding as its head; no engine loads it.
void drop_tied_head(Model& model) {
  const auto embedding = std::ranges::find(model.ends, Part::embedding, &ModelTensor::part);
  if (embedding == model.ends.end()) return;
  const std::vector<std::uint64_t> shape = embedding->shape;
  std::erase_if(model.ends, [&](const ModelTensor& end) {
    return end.part == Part::head && end.shape == shape;
  });
}

Model read_files(const ModelFiles& files) {
  if (files.gguf) return read_gguf(*files.gguf);
  if (!files.index && files.safetensors.empty()) return from_config_alone(files);
  std::optional<JsonValue> json;
  if (files.config) json = read_json(*files.config);
  Model model = files.index ? read_safetensors_index(*files.index, json)
                            : read_safetensors(files.safetensors, json);
  if (!json) return model;
  const std::string source = files.config->string();
  const ConfigSummary config = summarize_config(*json, source, model.experts);
  require_all_layers(model, config.layers, source);
  if (config.tied) drop_tied_head(model);
  model.architecture = config.architecture;
  model.experts_per_token = config.experts_per_token;
  model.context = config.context;
  const std::size_t known = std::min(config.heads.size(), model.layers.size());
  for (std::size_t i = 0; i < known; ++i) model.layers[i].heads = config.heads[i];
  return model;
}

}  // namespace

Model load_model(const std::string& given) {
  if (!find_preset_model(given).empty()) return preset_model(given);
  std::optional<ModelFiles> files = find_model_files(given);
  if (!files) {
    if (find_same_shapes(given)) return preset_model(given);
    throw UsageError(unknown_model(given));
  }
  Model model = read_files(*files);
  model.name = files->name;
  return model;
}

const Model& ModelLoader::load(const std::string& given) {
  const auto known = models_.find(given);
  return known != models_.end() ? known->second
                                : models_.emplace(given, load_model(given)).first->second;
}

const Model& ModelLoader::load_share(const std::string& given, std::size_t gpus) {
  if (gpus <= 1) return load(given);
  const auto known = shares_.find({given, gpus});
  if (known != shares_.end()) return known->second;
  return shares_.emplace(std::pair(given, gpus), sharded(load(given), gpus)).first->second;
}

}  // namespace offload
