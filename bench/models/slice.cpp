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

bool has_offloaded(const std::vector<WeightTensor>& weights) {
  return std::any_of(weights.begin(), weights.end(),
                     [](const WeightTensor& weight) { return !weight.resident; });
}

/// Layers that are alike.
struct Kind {
  std::vector<std::size_t> members;
  bool offloaded = false;  // something of each
  double bytes = 0;        // of all members, counted
  std::size_t count = 0;   // to be taken

  std::size_t part(double share) const {
    const double all = static_cast<double>(members.size());
    return static_cast<std::size_t>(std::lround(std::min(1.0, share) * all));
  }
};

std::vector<Kind> kinds_of(const Layers& layers, bool any_offloaded) {
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& known) {
      return same_kind(layers[known.members.front()], layers[i]);
    });
    if (kind == kinds.end()) kind = kinds.insert(kind, Kind{{}, has_offloaded(layers[i])});
    kind->members.push_back(i);
    kind->bytes += static_cast<double>(counted_bytes(layers[i], any_offloaded));
  }
  return kinds;
}

/// As many as are to be taken, evenly spread.
void take_evenly(const Kind& kind, std::vector<std::size_t>& taken) {
  for (std::size_t i = 0; i < kind.count; ++i) {
    taken.push_back(kind.members[(2 * i + 1) * kind.members.size() / (2 * kind.count)]);
  }
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
bool hides_too_often(const Layers& layers, const std::vector<std::size_t>& taken) {
  constexpr double far = 2;
  std::vector<std::size_t> all(layers.size());
  std::iota(all.begin(), all.end(), 0U);
  const auto bytes_of = [&](const std::vector<std::size_t>& pass) {
    std::uint64_t bytes = 0;
    for (const std::size_t layer : pass) bytes += counted_bytes(layers[layer], true);
    return static_cast<double>(bytes);
  };
  return static_cast<double>(arrivals(layers, taken)) * bytes_of(all) >
         far * static_cast<double>(arrivals(layers, all)) * bytes_of(taken);
}

/// `least` of `members` or, where more are wanted, the most of these that leave the remainder by
/// `period` that all of them leave; by two where no such number is in between, and else what is
/// wanted.
std::size_t same_remainder(std::size_t members, std::size_t wanted, std::size_t least,
                           std::size_t period) {
  const std::size_t most = std::min(members, std::max(wanted, least));
  for (const std::size_t slots : {period, std::size_t{2}}) {
    const std::size_t beyond = (most % slots + slots - members % slots) % slots;
    if (beyond <= most && most - beyond >= least) return most - beyond;
  }
  return most;
}

constexpr double small_kind = 0.1;  // of all bytes: below this it may be left out

void choose_counts(std::vector<Kind>& kinds, std::uint64_t max_bytes, std::size_t period) {
  double all = 0;
  for (const Kind& kind : kinds) all += kind.bytes;
  const Kind& largest = *std::ranges::max_element(kinds, {}, &Kind::bytes);
  double taken = 0;
  for (Kind& kind : kinds) {
    const std::size_t least = &kind == &largest ? 2 : kind.bytes < small_kind * all ? 0 : 1;
    const std::size_t members = kind.members.size();
    kind.count =
        std::min(members, std::max(kind.part(static_cast<double>(max_bytes) / all), least));
    if (!kind.offloaded) continue;
    kind.count = same_remainder(members, kind.count, least, period);
    taken += kind.bytes * static_cast<double>(kind.count) / static_cast<double>(members);
  }
  if (taken == 0) return;  // nothing is offloaded
  for (Kind& kind : kinds) {
    if (!kind.offloaded) kind.count = kind.part(taken / all);
  }
}

std::vector<std::size_t> choose(const Layers& layers, std::uint64_t max_bytes, bool any_offloaded,
                                std::size_t period) {
  std::vector<Kind> kinds = kinds_of(layers, any_offloaded);
  choose_counts(kinds, max_bytes, period);
  std::vector<std::size_t> taken;
  for (const Kind& kind : kinds) take_evenly(kind, taken);
  std::sort(taken.begin(), taken.end());
  if (any_offloaded && hides_too_often(layers, taken)) {
    std::erase_if(taken, [&](std::size_t layer) { return !has_offloaded(layers[layer]); });
  }
  return taken;
}

}  // namespace

WeightSet model_slice(const Model& model, const std::vector<std::vector<bool>>& offloaded,
                      std::uint64_t max_bytes, std::size_t prefetch_step) {
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
  slice.other_bytes =
      model.bytes() - linear - model.bytes(Part::drafting) - model.bytes(Part::tower);

  WeightSet set{model.label(), {}};
  const std::size_t period = std::lcm(std::size_t{2}, prefetch_step);
  const std::vector<std::size_t> chosen =
      choose(layers, max_bytes, slice.offloaded_bytes > 0, period);
  for (const std::size_t layer : chosen) {
    for (WeightTensor& weight : layers[layer]) {
      weight.name = "layers." + std::to_string(layer) + "." + weight.name;
      set.tensors.push_back(std::move(weight));
    }
  }
  slice.layers_measured = chosen.size();
  set.slice = slice;
  set.tensor_parallel = model.tensor_parallel;
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
