// SPDX-License-Identifier: Apache-2.0
#include "bench/models/layout.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "bench/models/linear_weights.hpp"
#include "bench/models/name_segments.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

/// "o_proj" for "model.layers.3.self_attn.o_proj.weight", "experts.w2_weight" for
/// "model.layers.3.mlp.experts.w2_weight"; all experts of a layer have one name.
std::string short_name(const ModelTensor& tensor) {
  std::string name(name_in_layer(tensor.name));
  if (const auto expert = expert_of(name)) {
    const std::string number = "." + std::to_string(*expert) + ".";
    if (const std::size_t at = name.find(number); at != std::string::npos) {
      name.replace(at, number.size(), ".");
    }
  }
  constexpr std::string_view suffix = ".weight";
  if (name.ends_with(suffix)) name.erase(name.size() - suffix.size());
  const std::size_t dot = name.find('.');
  const bool names_module = dot != std::string::npos && !name.starts_with("experts.");
  return names_module ? name.substr(dot + 1) : name;
}

void add_once(std::vector<std::string>& names, std::string name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

LayerKind kind_of(const ModelLayer& layer, std::size_t index, const std::vector<bool>& offloaded) {
  LayerKind kind;
  kind.layers = {index};
  for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
    const ModelTensor& tensor = layer.tensors[i];
    if (!is_linear_weight(tensor)) continue;
    add_once(offloaded[i] ? kind.offloaded : kind.resident, short_name(tensor));
    (offloaded[i] ? kind.offloaded_bytes : kind.resident_bytes) += tensor.bytes;
    kind.bytes.push_back(tensor.bytes);
  }
  return kind;
}

bool alike(const LayerKind& one, const LayerKind& other) {
  return one.offloaded == other.offloaded && one.resident == other.resident &&
         one.bytes == other.bytes;
}

}  // namespace

ModelLayout layout_of(const Model& model, const Offloading& offloading, const ModelSlice& slice) {
  ModelLayout layout{model.name, {}, offloading.warnings, slice, model.experts > 0};
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerKind kind = kind_of(model.layers[i], i, offloading.tensors[i]);
    const auto known = std::find_if(layout.kinds.begin(), layout.kinds.end(),
                                    [&](const LayerKind& other) { return alike(other, kind); });
    if (known == layout.kinds.end()) {
      layout.kinds.push_back(std::move(kind));
      continue;
    }
    known->layers.push_back(i);
    known->offloaded_bytes += kind.offloaded_bytes;
    known->resident_bytes += kind.resident_bytes;
  }
  return layout;
}

std::string layer_ranges(const std::vector<std::size_t>& layers) {
  std::vector<std::string> ranges;
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t last = first;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    ranges.push_back(std::to_string(layers[first]));
    if (last > first) ranges.back() += "-" + std::to_string(layers[last]);
    first = last + 1;
  }
  constexpr std::size_t most = 4;
  std::string text;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges.size() > most && i == 2) {
      text += ", ...";
      i = ranges.size() - 1;
    }
    text += (text.empty() ? "" : ", ") + ranges[i];
  }
  return text;
}

}  // namespace offload
