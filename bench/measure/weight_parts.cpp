// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/weight_parts.hpp"

#include <algorithm>

namespace offload {
namespace {

// What a piece's first row must be a multiple of (see Piece).
constexpr std::size_t row_alignment = 4;

template <typename Wanted>
WeightSet first_of(const WeightSet& weights, const Wanted& wanted) {
  const auto found = std::ranges::find_if(weights.tensors, wanted);
  if (found == weights.tensors.end()) return {};
  return {"part of " + weights.name, {*found}, std::nullopt, weights.experts_per_token()};
}

}  // namespace

WeightSet plain_part(const WeightSet& weights, std::size_t most_bytes) {
  WeightSet part = first_of(weights, [](const WeightTensor& tensor) { return !tensor.resident; });
  for (WeightTensor& tensor : part.tensors) {
    const std::size_t rows = most_bytes / tensor.row_bytes() / row_alignment * row_alignment;
    tensor.rows = std::min(std::max(rows, row_alignment), tensor.rows);
    tensor.experts = 0;
  }
  return part;
}

WeightSet routed_part(const WeightSet& weights, std::size_t most_bytes) {
  const std::size_t per_token = weights.experts_per_token();
  WeightSet part = first_of(
      weights, [](const WeightTensor& tensor) { return !tensor.resident && tensor.experts > 0; });
  for (WeightTensor& tensor : part.tensors) {
    const std::size_t rows_each = tensor.rows / tensor.experts;
    const std::size_t fit = most_bytes / (rows_each * tensor.row_bytes());
    tensor.experts = std::min(std::max(fit, 2 * per_token), tensor.experts);
    tensor.rows = tensor.experts * rows_each;
  }
  return part;
}

}  // namespace offload
