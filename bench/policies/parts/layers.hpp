// SPDX-License-Identifier: Apache-2.0
// The layers of a list of tensors: what policies bring to the GPU at a time.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "offload/weights.hpp"

namespace offload {

/// Tensors of one layer: neighbours in the list.
struct LayerRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

std::vector<LayerRange> layers_of(std::span<const WeightTensor> tensors);

/// Bytes of the largest layer, packed, in a slot of its own: a multiple of what cudaMalloc aligns.
std::size_t largest_layer(std::span<const WeightTensor> tensors);

}  // namespace offload
