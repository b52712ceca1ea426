// SPDX-License-Identifier: Apache-2.0
#include "bench/models/expert_stacks.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

bool is_matrix(const ModelTensor& tensor) {
  return tensor.shape.size() >= 2 && tensor.parameters > 0 && !tensor.name.ends_with("bias");
}

/// A weight, scale or bias with one item per expert, of which no name says that it is theirs.
bool is_stack_of(std::uint64_t experts, const ModelTensor& tensor) {
  if (tensor.part != Part::mlp && tensor.part != Part::other) return false;
  if (tensor.shape.size() < 2 || tensor.shape.front() != experts) return false;
  return tensor.shape.size() > 2 || !is_matrix(tensor);
}

/// Experts that a name tells, without a number, in two dimensions.
bool is_flat(const ModelTensor& tensor) {
  return tensor.part == Part::experts && is_matrix(tensor) && tensor.shape.size() == 2 &&
         !expert_of(name_in_layer(tensor.name));
}

/// "gate" may be a dense feed-forward's too; then another of its matrices has the same shape.
bool is_dense_gate(const ModelTensor& tensor, const ModelLayer& layer) {
  if (tensor.part != Part::router || !is_matrix(tensor)) return false;
  return std::ranges::any_of(layer.tensors, [&](const ModelTensor& other) {
    return other.part == Part::mlp && is_matrix(other) && other.shape == tensor.shape;
  });
}

/// Of the experts for text, which "gate.weight" chooses among beside the images' "gate.weight_1";
/// nullopt without that.
std::optional<std::uint64_t> text_experts(const std::vector<ModelTensor>& layer,
                                          const std::string& source) {
  constexpr std::string_view ending = ".gate.weight_1";
  const auto images = std::ranges::find_if(
      layer, [&](const ModelTensor& tensor) { return tensor.name.ends_with(ending); });
  if (images == layer.end()) return std::nullopt;
  const std::string name = images->name.substr(0, images->name.size() - 2);
  const auto text = std::ranges::find(layer, name, &ModelTensor::name);
  if (text != layer.end() && text->shape.size() == 2) return text->shape.back();
  throw UsageError(source + ": tensor " + in_quotes(images->name) +
                   " chooses experts for images, but no " + in_quotes(name) +
                   " shows how many there are for text");
}

}  // namespace

void set_aside_image_experts(std::vector<ModelTensor>& layer, std::vector<ModelTensor>& aside,
                             const std::string& source) {
  const std::optional<std::uint64_t> text = text_experts(layer, source);
  if (!text) return;
  const auto images =
      std::stable_partition(layer.begin(), layer.end(), [&](const ModelTensor& tensor) {
        return expert_of(name_in_layer(tensor.name)).value_or(0) < *text;
      });
  for (auto tensor = images; tensor != layer.end(); ++tensor) {
    tensor->part = Part::tower;
    aside.push_back(std::move(*tensor));
  }
  layer.erase(images, layer.end());
}

std::uint64_t routed_experts(const ModelLayer& layer) {
  std::uint64_t experts = 0;
  for (const ModelTensor& tensor : layer.tensors) {
    if (tensor.part == Part::router && tensor.shape.size() == 2 && is_matrix(tensor)) {
      experts = std::max(experts, tensor.shape.front());
    }
  }
  return experts > 1 ? experts : 0;  // the gate of a shared expert has one row
}

void find_expert_stacks(ModelLayer& layer, const std::string& source) {
  for (ModelTensor& tensor : layer.tensors) {
    if (is_dense_gate(tensor, layer)) tensor.part = Part::mlp;
  }
  const std::uint64_t experts = routed_experts(layer);
  for (ModelTensor& tensor : layer.tensors) {
    if (experts > 0 && is_stack_of(experts, tensor)) tensor.part = Part::experts;
    if (!is_flat(tensor)) continue;
    const std::uint64_t rows = tensor.shape.front();
    if (experts == 0 || rows % experts != 0) {
      throw UsageError(source + ": tensor " + in_quotes(tensor.name) +
                       " holds experts, but no router beside it shows how many of them");
    }
    if (rows > experts) tensor.shape = {experts, rows / experts, tensor.shape.back()};
  }
}

void refuse_unknown_experts(const Model& model) {
  if (model.experts > 0) return;
  for (const ModelLayer& layer : model.layers) {
    if (routed_experts(layer) == 0) continue;
    const auto router = std::ranges::find(layer.tensors, Part::router, &ModelTensor::part);
    throw UsageError(model.source + ": tensor " + in_quotes(router->name) +
                     " chooses experts, but no tensor is known to hold them: a name with "
                     "'experts' in it, or a first dimension of " +
                     std::to_string(routed_experts(layer)));
  }
}

}  // namespace offload
