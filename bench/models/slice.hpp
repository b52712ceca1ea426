// SPDX-License-Identifier: Apache-2.0
// The weights of a whole-model pass: all linear weights of all layers, or of so many evenly chosen
// layers that they can be placed and measured.
#pragma once
#include <cstdint>
#include <vector>

#include "offload/model.hpp"
#include "offload/weights.hpp"

namespace offload {

/// `offloaded` has one flag per tensor of each layer. Layers that agree in shapes and in what of
/// them is offloaded are kinds; of each kind about the same share is taken, but two layers of the
/// one with the most offloaded bytes, so that running ahead shows, until about `max_bytes` are
/// offloaded (or read, when nothing is): results of the slice stand for the model when scaled by
/// bytes. So the count of a kind that has offloaded weights keeps the remainder that the model's
/// leaves by two and by `prefetch_step` (at least 1), as if rounded down: copies that take turns in
/// so many slots then follow each other from pass to pass as in the model. And so layers that are
/// resident as a whole are left out where offloaded ones form blocks longer than the slice's: what
/// a copy hides beneath them once in a pass must not be scaled.
/// Throws UsageError for a model without linear weights.
WeightSet model_slice(const Model& model, const std::vector<std::vector<bool>>& offloaded,
                      std::uint64_t max_bytes, std::size_t prefetch_step);

/// What `weights`, a slice, stand for: the factor from its offloaded bytes to the model's, or from
/// its resident ones where nothing is offloaded; and the model's resident bytes that the slice,
/// scaled by it, lacks (negative: has too many).
struct SliceScale {
  double offloaded_bytes = 0;  // of the slice
  double resident_bytes = 0;   // likewise
  double factor = 1;
  double resident_bytes_missing = 0;
};
SliceScale scale_of(const WeightSet& weights);

}  // namespace offload
