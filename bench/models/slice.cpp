// SPDX-License-Identifier: Apache-2.0
#include "bench/models/slice.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

#include "bench/models/linear_weights.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// What of a layer lies in host memory, or all of it when nothing does.
std::uint64_t counted_bytes(const std::vector<WeightTensor>& weights, bool any_offloaded) {
  std::uint64_t bytes = 0;
  for (const WeightTensor& weight : weights) {
    if (!weight.resident || !any_offloaded) bytes += weight.bytes();
  }
  return bytes;
}

bool same_kind(const std::vector<WeightTensor>& a, const std::vector<WeightTensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const WeightTensor& x, const WeightTensor& y) {
                      return x.same_shape(y) && x.resident == y.resident;
                    });
}

using Layers = std::vector<std::vector<WeightTensor>>;

/// The layers' indices, by kind.
std::vector<std::vector<std::size_t>> kinds_of(const Layers& layers) {
  std::vector<std::vector<std::size_t>> kinds;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& members) {
      return same_kind(layers[members.front()], layers[i]);
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
/// one with offloaded weights. Whatever runs ahead is hidden by the former, once each time.
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
  std::size_t largest = 0;  // the kind with the most bytes
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
    const std::size_t min_count = k == largest ? 2 : is_small ? 0 : 1;
    take_evenly(kinds[k], std::min(members, std::max(wanted, min_count)), taken);
  }
  std::sort(taken.begin(), taken.end());
  if (any_offloaded && hides_too_often(layers, taken, all)) {
    std::erase_if(taken, [&](std::size_t layer) { return !has_offloaded(layers[layer]); });
  }
  return taken;
}

}  // namespace

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
