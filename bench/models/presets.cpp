// SPDX-License-Identifier: Apache-2.0
#include "bench/models/presets.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "bench/core/names.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/hf_config.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/slice.hpp"
#include "kernels/nested.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

struct Preset {
  std::string_view name;
  std::vector<std::string> aliases;  // Hugging Face ids, each also without its organisation
  JsonValue json;
};

std::vector<std::string> aliases_of(const ConfigFields& fields) {
  std::vector<std::string> aliases;
  for (const JsonValue& item : fields.list("aliases")) {
    std::string id = fields.as_text("aliases", item);
    aliases.push_back(id.substr(id.find('/') + 1));
    aliases.push_back(std::move(id));
  }
  return aliases;
}

/// Read once, when first asked for.
const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> list;
    for (const PresetFile& file : preset_files()) {
      const std::string source = "preset " + std::string(file.name);
      JsonValue json = parse_json(file.json, source);
      std::vector<std::string> aliases = aliases_of(ConfigFields(json, source));
      list.push_back({file.name, std::move(aliases), std::move(json)});
    }
    return list;
  }();
  return all;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return to_lower(a) == to_lower(b);
}

/// What follows `prefix` and a dot in `name` ("" when nothing does); nullopt for another prefix.
std::optional<std::string_view> after_prefix(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return std::nullopt;
  if (!equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return std::nullopt;
  const std::string_view rest = name.substr(prefix.size());
  if (rest.empty()) return rest;
  const bool continues = rest.front() == '.' && rest.size() > 1;
  return continues ? std::optional(rest.substr(1)) : std::nullopt;
}

/// What follows any of the preset's names.
std::optional<std::string_view> after_name(std::string_view name, const Preset& preset) {
  std::optional<std::string_view> rest = after_prefix(name, preset.name);
  for (auto alias = preset.aliases.begin(); !rest && alias != preset.aliases.end(); ++alias) {
    rest = after_prefix(name, *alias);
  }
  return rest;
}

/// The first layer of each kind the model has, with one expert instead of all: what every
/// projection can be read from without making up thousands of tensors.
Model distinct_layers(const Preset& preset) {
  ModelConfig config = read_model_config(preset.json, "preset " + std::string(preset.name));
  if (config.experts) config.experts->count = 1;
  Model sample;
  sample.name = preset.name;
  sample.architecture = config.architecture;
  for (const bool sparse : {false, true}) {
    const auto layer = std::find(config.sparse.begin(), config.sparse.end(), sparse);
    if (layer == config.sparse.end()) continue;
    sample.layers.push_back(
        checkpoint_layer(config, static_cast<std::size_t>(layer - config.sparse.begin())));
  }
  return sample;
}

std::vector<WeightSet> projections(const Preset& preset) {
  Model sample = distinct_layers(preset);
  for (ModelLayer& layer : sample.layers) {
    std::erase_if(layer.tensors,
                  [](const ModelTensor& tensor) { return !as_weight(tensor, tensor.name); });
  }
  return projections_of(sample);
}

WeightSet in_dtype(WeightSet set, DType dtype) {
  if (dtype == set.tensors.front().dtype) return set;
  set.name += "." + std::string(name(dtype));
  for (WeightTensor& tensor : set.tensors) tensor.dtype = dtype;
  return set;
}

/// A row of 4-bit weights in bytes: blocks of 128 with their scales and zeros.
std::optional<WeightSet> in_q4(WeightSet set) {
  for (WeightTensor& tensor : set.tensors) {
    constexpr std::size_t unit_weights = nested::unit_blocks * nested::block_weights;
    if (tensor.cols % unit_weights != 0) return std::nullopt;
    tensor.cols = tensor.cols / unit_weights * nested::unit_bytes;
    tensor.dtype = DType::u8;
  }
  set.name += ".q4";
  return set;
}

/// All of the first layer that has experts; empty for a model without any.
std::vector<WeightSet> experts(const Preset& preset) {
  const ModelConfig config = read_model_config(preset.json, "preset " + std::string(preset.name));
  const auto sparse = std::find(config.sparse.begin(), config.sparse.end(), true);
  if (!config.experts || sparse == config.sparse.end()) return {};
  const auto index = static_cast<std::size_t>(sparse - config.sparse.begin());
  Model sample;
  sample.architecture = config.architecture;
  sample.layers.push_back(checkpoint_layer(config, index));
  const ModelLayer layer = fused(sample).layers.front();
  WeightSet set{std::string(preset.name) + ".experts", {}};
  set.routed_experts = config.experts->per_token;
  const std::vector<bool> offloaded(layer.tensors.size(), true);
  for (WeightTensor& weight : linear_weights(layer, 0, offloaded)) {
    if (weight.experts > 0) set.tensors.push_back(std::move(weight));
  }
  return {std::move(set)};
}

/// `selector` is what follows the model: nothing, "experts", a projection, or a projection and a
/// dtype.
std::vector<WeightSet> select(const Preset& preset, std::string_view selector) {
  if (equal_ignoring_case(selector, "experts")) return experts(preset);
  std::vector<WeightSet> sets = projections(preset);
  if (selector.empty()) return sets;
  for (WeightSet& set : sets) {
    const auto dtype_name = after_prefix(selector, set.tensors.front().name);
    if (!dtype_name) continue;
    if (dtype_name->empty()) return {std::move(set)};
    if (equal_ignoring_case(*dtype_name, "q4")) {
      std::optional<WeightSet> quantised = in_q4(std::move(set));
      if (!quantised) return {};
      return {std::move(*quantised)};
    }
    const std::optional<DType> dtype = parse_dtype(to_lower(*dtype_name));
    if (dtype) return {in_dtype(std::move(set), *dtype)};
  }
  return {};
}

}  // namespace

std::vector<std::string_view> preset_models() {
  std::vector<std::string_view> names;
  for (const PresetFile& file : preset_files()) names.push_back(file.name);
  return names;
}

std::string_view find_preset_model(std::string_view name) {
  for (const Preset& preset : presets()) {
    const auto rest = after_name(name, preset);
    if (rest && rest->empty()) return preset.name;
  }
  return "";
}

Model preset_model(std::string_view name) {
  const std::string_view canonical = find_preset_model(name);
  for (const Preset& preset : presets()) {
    if (preset.name != canonical) continue;
    return model_from_config(preset.json, std::string(preset.name), "preset");
  }
  throw UsageError(unknown_name("model", name, preset_models()));
}

std::vector<WeightSet> preset_weights() {
  std::vector<WeightSet> sets;
  for (const Preset& preset : presets()) {
    std::vector<WeightSet> of_model = projections(preset);
    std::move(of_model.begin(), of_model.end(), std::back_inserter(sets));
  }
  return sets;
}

std::vector<WeightSet> preset_experts() {
  std::vector<WeightSet> sets;
  for (const Preset& preset : presets()) {
    std::vector<WeightSet> of_model = experts(preset);
    std::move(of_model.begin(), of_model.end(), std::back_inserter(sets));
  }
  return sets;
}

std::vector<WeightSet> find_preset_weights(std::string_view name) {
  for (const Preset& preset : presets()) {
    const auto selector = after_name(name, preset);
    if (!selector) continue;
    std::vector<WeightSet> sets = select(preset, *selector);
    if (!sets.empty()) return sets;
  }
  return {};
}

}  // namespace offload
