// SPDX-License-Identifier: Apache-2.0
#include "bench/models/slice.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "bench/models/linear_weights.hpp"
#include "bench/models/name_segments.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// A linear weight of elements that no dtype of ours fits is its bytes, row by row; of a stack,
/// each expert's rows.
WeightTensor as_bytes(const ModelTensor& tensor, std::string_view name) {
  std::uint64_t rows = tensor.shape.front();
  if (tensor.shape.size() > 2) rows *= tensor.shape[1];
  if (rows == 0 || tensor.bytes % rows != 0) rows = 1;
  return {std::string(name), DType::u8, rows, tensor.bytes / rows};
}

/// "experts.gate_proj.weight" for "experts.17.gate_proj.weight": experts that a checkpoint keeps
/// apart are one stack here, as all engines hold them.
std::string without_expert(std::string_view name) {
  const std::string number = "." + std::to_string(*expert_of(name)) + ".";
  std::string text(name);
  return text.replace(text.find(number), number.size(), ".");
}

/// What of a layer lies in host memory, or all of it when nothing does.
std::uint64_t counted_bytes(const std::vector<WeightTensor>& weights, bool any_offloaded) {
  std::uint64_t bytes = 0;
  for (const WeightTensor& weight : weights) {
    if (!weight.resident || !any_offloaded) bytes += weight.bytes();
  }
  return bytes;
}

bool alike(const std::vector<WeightTensor>& a, const std::vector<WeightTensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const WeightTensor& x, const WeightTensor& y) {
                      return x.dtype == y.dtype && x.rows == y.rows && x.cols == y.cols &&
                             x.experts == y.experts && x.resident == y.resident;
                    });
}

using Layers = std::vector<std::vector<WeightTensor>>;

/// The layers' indices, by kind.
std::vector<std::vector<std::size_t>> kinds_of(const Layers& layers) {
  std::vector<std::vector<std::size_t>> kinds;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& members) {
      return alike(layers[members.front()], layers[i]);
    });
    if (kind == kinds.end()) {
      kinds.push_back({i});
    } else {
      kind->push_back(i);
    }
  }
  return kinds;
}

/// `count` of `members`, evenly spread.
void take_evenly(const std::vector<std::size_t>& members, std::size_t count,
                 std::vector<std::size_t>& taken) {
  for (std::size_t i = 0; i < count; ++i) {
    taken.push_back(members[(2 * i + 1) * members.size() / (2 * count)]);
  }
}

bool has_offloaded(const std::vector<WeightTensor>& weights) {
  return std::any_of(weights.begin(), weights.end(),
                     [](const WeightTensor& weight) { return !weight.resident; });
}

/// How often passes over these layers, one after the other, come from one in GPU memory alone to
/// one with offloaded weights. Whatever runs ahead hides behind the former, once each time.
std::size_t arrivals(const Layers& layers, const std::vector<std::size_t>& pass) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < pass.size(); ++i) {
    const std::size_t previous = pass[i > 0 ? i - 1 : pass.size() - 1];
    count += has_offloaded(layers[pass[i]]) && !has_offloaded(layers[previous]) ? 1 : 0;
  }
  return count;
}

/// Whether to scale a pass over `taken` scales what is hidden at its arrivals far beyond what the
/// model has: layers offloaded in one block are arrived at once, however many they are.
bool hides_too_often(const Layers& layers, const std::vector<std::size_t>& taken,
                     std::uint64_t offloaded_bytes) {
  constexpr double far = 2;
  std::vector<std::size_t> all(layers.size());
  std::iota(all.begin(), all.end(), 0U);
  std::uint64_t bytes_taken = 0;
  for (const std::size_t layer : taken) bytes_taken += counted_bytes(layers[layer], true);
  return static_cast<double>(arrivals(layers, taken)) * static_cast<double>(offloaded_bytes) >
         far * static_cast<double>(arrivals(layers, all)) * static_cast<double>(bytes_taken);
}

constexpr double small_kind = 0.1;  // of all bytes: below this it may be left out

std::vector<std::size_t> choose(const Layers& layers, std::uint64_t max_bytes, bool any_offloaded) {
  const auto kinds = kinds_of(layers);
  std::uint64_t all = 0;
  std::size_t largest = 0;  // the kind with most bytes
  std::vector<std::uint64_t> of_kind;
  for (const auto& members : kinds) {
    of_kind.push_back(counted_bytes(layers[members.front()], any_offloaded) * members.size());
    all += of_kind.back();
    if (of_kind.back() > of_kind[largest]) largest = of_kind.size() - 1;
  }
  const double share = std::min(
      1.0, static_cast<double>(max_bytes) / static_cast<double>(std::max<std::uint64_t>(all, 1)));
  std::vector<std::size_t> taken;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const std::size_t members = kinds[k].size();
    const auto wanted = static_cast<std::size_t>(std::lround(share * static_cast<double>(members)));
    const bool is_small = static_cast<double>(of_kind[k]) < small_kind * static_cast<double>(all);
    const std::size_t least = k == largest ? 2 : is_small ? 0 : 1;
    take_evenly(kinds[k], std::min(members, std::max(wanted, least)), taken);
  }
  std::sort(taken.begin(), taken.end());
  if (any_offloaded && hides_too_often(layers, taken, all)) {
    std::erase_if(taken, [&](std::size_t layer) { return !has_offloaded(layers[layer]); });
  }
  return taken;
}

}  // namespace

std::vector<WeightTensor> linear_weights(const ModelLayer& layer, std::size_t index,
                                         const std::vector<bool>& offloaded) {
  std::vector<WeightTensor> weights;
  for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
    const ModelTensor& tensor = layer.tensors[i];
    // Scales travel with the weights that mean nothing without them.
    if (!is_linear_weight(tensor) && !is_linear_scale(tensor)) continue;
    if (tensor.bytes == 0) continue;
    const std::string_view name = name_in_layer(tensor.name);
    WeightTensor weight = as_weight(tensor, name).value_or(as_bytes(tensor, name));
    weight.layer = index;
    weight.resident = !offloaded[i];
    const bool stacked = tensor.part == Part::experts && tensor.shape.size() >= 3;
    if (stacked) weight.experts = tensor.shape.front();
    if (tensor.part == Part::experts && !stacked && expert_of(name)) {
      weight.name = without_expert(name);
      const auto stack =
          std::find_if(weights.begin(), weights.end(), [&](const WeightTensor& other) {
            return other.name == weight.name && other.experts > 0 && other.cols == weight.cols &&
                   other.dtype == weight.dtype && other.resident == weight.resident;
          });
      if (stack != weights.end()) {
        stack->rows += weight.rows;
        ++stack->experts;
        continue;
      }
      weight.experts = 1;
    }
    weights.push_back(std::move(weight));
  }
  return weights;
}

WeightSet model_slice(const Model& model, const std::vector<std::vector<bool>>& offloaded,
                      std::uint64_t max_bytes) {
  Layers layers;
  ModelSlice slice;
  slice.model = model.name;
  slice.layers = model.layers.size();
  slice.experts_per_token = model.experts_per_token;
  std::uint64_t linear = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    layers.push_back(linear_weights(model.layers[i], i, offloaded[i]));
    for (const WeightTensor& weight : layers.back()) {
      (weight.resident ? slice.resident_bytes : slice.offloaded_bytes) += weight.bytes();
      linear += weight.bytes();
    }
  }
  if (linear == 0) throw UsageError(model.source + ": " + model.name + " has no linear weights");
  slice.other_bytes = model.bytes() - linear;

  WeightSet set{model.name, {}};
  const std::vector<std::size_t> chosen = choose(layers, max_bytes, slice.offloaded_bytes > 0);
  for (const std::size_t layer : chosen) {
    for (WeightTensor& weight : layers[layer]) {
      weight.name = "layers." + std::to_string(layer) + "." + weight.name;
      set.tensors.push_back(std::move(weight));
    }
  }
  slice.layers_measured = chosen.size();
  set.slice = slice;
  return set;
}

SliceScale scale_of(const WeightSet& weights) {
  SliceScale scale;
  for (const WeightTensor& tensor : weights.tensors) {
    (tensor.resident ? scale.resident_bytes : scale.offloaded_bytes) +=
        static_cast<double>(tensor.bytes());
  }
  const double offloaded = static_cast<double>(weights.slice->offloaded_bytes);
  const double resident = static_cast<double>(weights.slice->resident_bytes);
  scale.factor = scale.offloaded_bytes > 0 ? offloaded / scale.offloaded_bytes
                                           : resident / scale.resident_bytes;
  const double missing = resident - scale.resident_bytes * scale.factor;
  constexpr double rounding = 1e-6;
  const double measured = scale.offloaded_bytes + scale.resident_bytes;
  if (std::abs(missing) > rounding * measured) scale.resident_bytes_missing = missing;
  return scale;
}

}  // namespace offload
