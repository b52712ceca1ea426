// SPDX-License-Identifier: Apache-2.0
#include "bench/models/layers.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// Of all stacks the one that decodes text; of several the one with most bytes. "" if there is
/// none.
std::string main_stack(const std::vector<ModelTensor>& tensors) {
  std::map<std::string_view, std::uint64_t> bytes;
  for (const ModelTensor& tensor : tensors) {
    const TensorPlace place = place_of(tensor.name);
    if (place.layer && is_text(place.stack)) bytes[place.stack] += tensor.bytes;
  }
  const auto most = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? std::string{} : std::string(most->first);
}

/// A layer that predicts tokens ahead of the model: DeepSeek's last one, and its likes.
bool drafts(std::string_view rest) {
  return rest.starts_with("eh_proj.") || rest.starts_with("nextn.");
}

/// How many experts the tensor tells of: its own number and those before it, or the stack it holds.
std::size_t experts_seen(const ModelTensor& tensor, std::string_view rest) {
  if (tensor.part != Part::experts) return 0;
  if (const auto expert = expert_of(rest)) return static_cast<std::size_t>(*expert) + 1;
  constexpr std::size_t stacked = 3;
  return tensor.shape.size() >= stacked ? static_cast<std::size_t>(tensor.shape.front()) : 0;
}

void sort_by_use(ModelLayer& layer) {
  struct Ranked {
    ExecutionOrder order;
    std::size_t index;
  };
  std::vector<Ranked> ranked;
  ranked.reserve(layer.tensors.size());
  for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
    ranked.push_back({order_in_layer(place_of(layer.tensors[i].name).rest), i});
  }
  std::sort(ranked.begin(), ranked.end(), [&layer](const Ranked& a, const Ranked& b) {
    if (a.order != b.order) return a.order < b.order;
    return layer.tensors[a.index].name < layer.tensors[b.index].name;
  });
  std::vector<ModelTensor> sorted;
  sorted.reserve(ranked.size());
  for (const Ranked& tensor : ranked) sorted.push_back(std::move(layer.tensors[tensor.index]));
  layer.tensors = std::move(sorted);
}

}  // namespace

void arrange_layers(std::vector<ModelTensor> tensors, Model& model) {
  std::erase_if(tensors, [](const ModelTensor& tensor) { return tensor.bytes == 0; });
  const std::string stack = main_stack(tensors);
  std::set<std::uint64_t> drafting;
  for (const ModelTensor& tensor : tensors) {
    const TensorPlace place = place_of(tensor.name);
    if (place.layer && place.stack == stack && drafts(place.rest)) drafting.insert(*place.layer);
  }

  std::map<std::uint64_t, ModelLayer> layers;  // numbers are not to be trusted with a vector's size
  for (ModelTensor& tensor : tensors) {
    const TensorPlace place = place_of(tensor.name);
    if (!place.layer || place.stack != stack || drafting.contains(*place.layer)) {
      tensor.part = place.layer ? Part::other : part_outside(tensor.name);
      model.ends.push_back(std::move(tensor));
      continue;
    }
    tensor.part = part_in_layer(place.rest);
    model.experts = std::max(model.experts, experts_seen(tensor, place.rest));
    layers[*place.layer].tensors.push_back(std::move(tensor));
  }
  if (layers.empty()) {
    throw UsageError(model.source +
                     ": no tensor is named after a layer, such as model.layers.0.mlp.up_proj.weight"
                     " or blk.0.ffn_up.weight");
  }

  std::uint64_t expected = 0;
  for (auto& [number, layer] : layers) {
    if (number != expected) {
      throw UsageError(model.source + ": has layer " + std::to_string(number) + " but no layer " +
                       std::to_string(expected) +
                       "; if it is one file of several, give their directory");
    }
    ++expected;
    sort_by_use(layer);
    model.layers.push_back(std::move(layer));
  }
}

}  // namespace offload
