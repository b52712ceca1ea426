// SPDX-License-Identifier: Apache-2.0
#include "bench/models/model_source.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/core/names.hpp"
#include "bench/models/config_fields.hpp"
#include "bench/models/gguf_model.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/model_file.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/safetensors_model.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::uintmax_t largest_config = std::uintmax_t{4} << 20;

JsonValue read_json(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) throw UsageError(path.string() + ": cannot be read: " + error.message());
  if (bytes > largest_config) throw UsageError(path.string() + ": too large for a config.json");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw UsageError(path.string() + ": cannot be read");
  return parse_json(text.str(), path.string());
}

/// What alone is needed of a config whose architecture is not known; 0 when it does not say.
std::size_t experts_per_token(const JsonValue& config, const std::string& source,
                              std::size_t experts) {
  return ConfigFields(config, source)
      .number({"num_experts_per_tok", "experts_per_token"}, 1, experts)
      .value_or(0);
}

Model read_files(const ModelFiles& files) {
  if (files.gguf) return read_gguf(*files.gguf);
  if (!files.index && files.safetensors.empty()) {
    return model_from_config(read_json(*files.config), files.name, files.config->string());
  }
  Model model =
      files.index ? read_safetensors_index(*files.index) : read_safetensors(files.safetensors);
  if (!files.config) return model;
  const JsonValue config = read_json(*files.config);
  try {
    const Model told = model_from_config(config, files.name, files.config->string());
    model.architecture = told.architecture;
    model.experts_per_token = told.experts_per_token;
  } catch (const UsageError&) {
    // An architecture whose shapes the config does not tell: that is what the safetensors are for.
    if (model.experts > 0) {
      model.experts_per_token = experts_per_token(config, files.config->string(), model.experts);
    }
  }
  return model;
}

}  // namespace

Model load_model(const std::string& given) {
  const std::string_view preset = find_preset_model(given);
  if (!preset.empty()) return preset_model(preset);
  std::optional<ModelFiles> files = find_model_files(given);
  if (!files) throw UsageError(unknown_name("model", given, preset_models()));
  Model model = read_files(*files);
  model.name = files->name;
  return model;
}

}  // namespace offload
