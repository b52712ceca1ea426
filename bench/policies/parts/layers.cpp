// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/layers.hpp"

#include <algorithm>

#include "bench/policies/parts/packed.hpp"
#include "offload/rounding.hpp"

namespace offload {

std::vector<LayerRange> layers_of(std::span<const WeightTensor> tensors) {
  std::vector<LayerRange> layers;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (layers.empty() || tensors[i].layer != tensors[layers.back().first].layer) {
      layers.push_back({i, i});
    }
    layers.back().end = i + 1;
  }
  return layers;
}

std::size_t largest_layer(std::span<const WeightTensor> tensors) {
  std::size_t largest = 0;
  for (const LayerRange& layer : layers_of(tensors)) {
    const auto range = tensors.subspan(layer.first, layer.end - layer.first);
    largest = std::max(largest, Packed(range).bytes());
  }
  return round_up(largest, device_alignment);
}

}  // namespace offload
