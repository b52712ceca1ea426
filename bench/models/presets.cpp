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
#include "bench/models/shard.hpp"
#include "bench/models/slice.hpp"
#include "kernels/nested.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// By which a model is known that has the preset's shapes: itself, or one of those under "also".
struct Spelling {
  std::string text;  // as normalised() writes it
  std::string model;
  bool is_preset = false;
  std::size_t context = 0;  // tokens, where the model has another maximum than the preset
};

struct Preset {
  std::string_view name;
  std::string type;
  std::vector<Spelling> spellings;
  std::vector<std::string> others;  // models of its shapes, as in the file
  JsonValue json;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// People write llama3.1-8b and Llama-3.1-8B: in small letters, no dash between letter and digit.
std::string normalised(std::string_view name) {
  const std::string lower = to_lower(name);
  std::string text;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const bool between = i > 0 && i + 1 < lower.size();
    const bool after_letter = between && lower[i - 1] >= 'a' && lower[i - 1] <= 'z';
    if (lower[i] == '-' && after_letter && is_digit(lower[i + 1])) continue;
    text += lower[i];
  }
  return text;
}

std::vector<std::string> texts(const JsonValue& json, std::string_view list) {
  std::vector<std::string> found;
  const std::optional<JsonValue> items = json.find(list);
  for (const JsonValue& item : items ? items->items() : std::vector<JsonValue>()) {
    found.emplace_back(item.text().value());
  }
  return found;
}

std::string type_of(const ConfigFields& fields) {
  if (const auto quantization = fields.find_anywhere("quantization_config")) {
    if (const auto method = quantization->find("quant_method")) {
      return fields.as_text("quant_method", *method);
    }
  }
  const std::string dtype = fields.text_anywhere("torch_dtype").value_or("");
  return dtype == "bfloat16" ? "bf16" : dtype;
}

/// A name or a Hugging Face id, the latter also without its organisation, each also with the type.
void add_spellings(Preset& preset, const std::string& model, bool is_preset) {
  std::vector<std::string> texts{normalised(model)};
  if (const auto slash = model.find('/'); slash != std::string::npos) {
    texts.push_back(normalised(model.substr(slash + 1)));
  }
  for (const std::string& text : texts) {
    preset.spellings.push_back({text, model, is_preset});
    preset.spellings.push_back({text + '-' + preset.type, model, is_preset});
  }
}

/// Most models of the same shapes agree in how long a sequence may be, too.
void add_contexts(Preset& preset) {
  constexpr std::string_view name = "max_position_embeddings_of";
  const auto others = preset.json.find(name);
  if (!others) return;
  for (const JsonMember& other : others->members()) {
    for (Spelling& spelling : preset.spellings) {
      if (spelling.model == other.name) {
        spelling.context = other.value.whole_number().value_or(0);
      }
    }
  }
}

Preset read_preset(const PresetFile& file) {
  const std::string source = "preset " + std::string(file.name);
  Preset preset{file.name, "", {}, {}, parse_json(file.json, source)};
  preset.type = type_of(ConfigFields(preset.json, source));
  preset.others = texts(preset.json, "also");
  add_spellings(preset, std::string(file.name), true);
  for (const std::string& name : texts(preset.json, "aliases")) add_spellings(preset, name, true);
  for (const std::string& name : preset.others) add_spellings(preset, name, false);
  add_contexts(preset);
  return preset;
}

/// Read once, when first asked for.
const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> list;
    for (const PresetFile& file : preset_files()) list.push_back(read_preset(file));
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

struct Match {
  const Spelling* spelling;
  std::string_view rest;  // of the name, after model and dot
};

/// `name` is normalised.
std::vector<Match> matches(std::string_view name, const Preset& preset) {
  std::vector<Match> found;
  for (const Spelling& spelling : preset.spellings) {
    if (const auto rest = after_prefix(name, spelling.text)) found.push_back({&spelling, *rest});
  }
  return found;
}

/// The first layer of each kind the model has: what every projection can be read from without
/// making up hundreds of thousands of tensors.
Model distinct_layers(const Preset& preset) {
  return distinct_layers_from_config(preset.json, std::string(preset.name),
                                     "preset " + std::string(preset.name));
}

/// Of each channel alone: no matrix, though it has the dimensions of one.
bool is_convolution(const ModelTensor& tensor) {
  return tensor.shape.size() == 3 && tensor.shape[1] == 1;
}

std::vector<WeightSet> projections(const Preset& preset, std::size_t gpus = 1) {
  Model sample = sharded(distinct_layers(preset), gpus);
  for (ModelLayer& layer : sample.layers) {
    std::erase_if(layer.tensors, [](const ModelTensor& tensor) {
      return is_convolution(tensor) || !as_weight(tensor, tensor.name);
    });
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
std::vector<WeightSet> experts(const Preset& preset, std::size_t gpus = 1) {
  const Model sample = fused(sharded(distinct_layers(preset), gpus));
  for (const ModelLayer& layer : sample.layers) {
    WeightSet set{sample.label() + ".experts", {}};
    set.routed_experts = sample.experts_per_token;
    set.tensor_parallel = sample.tensor_parallel;
    const std::vector<bool> offloaded(layer.tensors.size(), true);
    for (WeightTensor& weight : linear_weights(layer, 0, offloaded)) {
      if (weight.experts > 0) set.tensors.push_back(std::move(weight));
    }
    if (!set.tensors.empty()) return {std::move(set)};
  }
  return {};
}

/// `selector` is what follows the model: nothing, "experts", a projection, or a projection and a
/// dtype.
std::vector<WeightSet> select(const Preset& preset, std::string_view selector,
                              std::size_t gpus = 1) {
  if (equal_ignoring_case(selector, "experts")) return experts(preset, gpus);
  std::vector<WeightSet> sets = projections(preset, gpus);
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
  const std::string wanted = normalised(name);
  for (const Preset& preset : presets()) {
    for (const Match& match : matches(wanted, preset)) {
      if (match.spelling->is_preset && match.rest.empty()) return preset.name;
    }
  }
  return "";
}

std::string SameShapes::sentence() const {
  return std::string(model) + " has the shapes of " + std::string(preset);
}

const std::vector<SameShapes>& models_of_same_shapes() {
  static const std::vector<SameShapes> all = [] {
    std::vector<SameShapes> list;
    for (const Preset& preset : presets()) {
      for (const std::string& model : preset.others) list.push_back({model, preset.name});
    }
    return list;
  }();
  return all;
}

std::optional<SameShapes> find_same_shapes(std::string_view name) {
  const std::string wanted = normalised(name);
  for (const Preset& preset : presets()) {
    for (const Match& match : matches(wanted, preset)) {
      const bool is_other = !match.spelling->is_preset && match.rest.empty();
      if (is_other) return SameShapes{match.spelling->model, preset.name};
    }
  }
  return std::nullopt;
}

std::optional<SameShapes> find_same_shapes_of_weights(std::string_view name) {
  const std::string wanted = normalised(name);
  for (const Preset& preset : presets()) {
    for (const Match& match : matches(wanted, preset)) {
      const bool is_other = !match.spelling->is_preset && !select(preset, match.rest).empty();
      if (is_other) return SameShapes{match.spelling->model, preset.name};
    }
  }
  return std::nullopt;
}

std::string_view preset_type(std::string_view canonical_name) {
  for (const Preset& preset : presets()) {
    if (preset.name == canonical_name) return preset.type;
  }
  return "";
}

std::string hugging_face_id(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  std::string_view canonical = find_preset_model(name);
  if (const auto same = find_same_shapes(name); canonical.empty() && same) canonical = same->preset;
  const std::string wanted = normalised(name);
  std::string first;
  std::string nearest;
  for (const Preset& preset : presets()) {
    if (preset.name != canonical) continue;
    for (const Spelling& spelling : preset.spellings) {
      const std::string id = normalised(spelling.model);
      if (id.find('/') == std::string::npos) continue;
      if (id.ends_with(wanted)) return spelling.model;
      if (first.empty()) first = spelling.model;
      if (nearest.empty() && id.find(wanted) != std::string::npos) nearest = spelling.model;
    }
  }
  return nearest.empty() ? first : nearest;
}

Model preset_model(std::string_view name) {
  std::string_view canonical = find_preset_model(name);
  if (const auto same = find_same_shapes(name); canonical.empty() && same) canonical = same->preset;
  for (const Preset& preset : presets()) {
    if (preset.name != canonical) continue;
    Model model =
        model_from_config(preset.json, std::string(preset.name), std::string(preset_source));
    for (const Match& match : matches(normalised(name), preset)) {
      if (match.rest.empty() && match.spelling->context > 0)
        model.context = match.spelling->context;
    }
    return model;
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

std::vector<WeightSet> find_preset_weights(std::string_view name, std::size_t tensor_parallel) {
  const std::string wanted = normalised(name);
  for (const Preset& preset : presets()) {
    for (const Match& match : matches(wanted, preset)) {
      std::vector<WeightSet> sets = select(preset, match.rest, tensor_parallel);
      if (!sets.empty()) return sets;
    }
  }
  return {};
}

}  // namespace offload
