// SPDX-License-Identifier: Apache-2.0
#include "bench/models/projections.hpp"

#include <algorithm>
#include <utility>

#include "bench/models/fuse.hpp"
#include "bench/models/slice.hpp"
#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

/// "down_proj" for "layers.3.mlp.down_proj.weight".
std::string last_part(std::string name) {
  constexpr std::string_view weight = ".weight";
  if (name.ends_with(weight)) name.resize(name.size() - weight.size());
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

std::vector<WeightSet> projections_of(const Model& checkpoint) {
  const Model model = fused(checkpoint);
  std::vector<std::vector<bool>> none;
  for (const ModelLayer& layer : model.layers) none.emplace_back(layer.tensors.size(), false);
  std::vector<WeightSet> sets;
  for (WeightTensor tensor : model_slice(model, none, model.bytes()).tensors) {
    if (tensor.experts > 0) tensor.rows /= tensor.experts;
    tensor = {last_part(tensor.name), tensor.dtype, tensor.rows, tensor.cols};
    WeightSet set{plain_model_name(model.name + "." + tensor.name), {tensor}};
    const bool known = std::any_of(sets.begin(), sets.end(),
                                   [&](const WeightSet& other) { return other.name == set.name; });
    if (!known) sets.push_back(std::move(set));
  }
  return sets;
}

}  // namespace offload
