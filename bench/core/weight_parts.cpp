// SPDX-License-Identifier: Apache-2.0
#include "offload/weight_parts.hpp"

#include <algorithm>

namespace offload {

WeightSet plain_part(const WeightSet& weights, std::size_t max_bytes) {
  constexpr std::size_t row_alignment = 4;  // what a piece's first row must be a multiple of
  const auto offloaded = std::ranges::find_if(
      weights.tensors, [](const WeightTensor& tensor) { return !tensor.resident; });
  if (offloaded == weights.tensors.end()) return {};
  WeightTensor part = *offloaded;
  const std::size_t rows = max_bytes / part.row_bytes() / row_alignment * row_alignment;
  part.rows = std::min(std::max(rows, row_alignment), part.rows);
  part.experts = 0;
  return {"part of " + weights.name, {part}};
}

}  // namespace offload
