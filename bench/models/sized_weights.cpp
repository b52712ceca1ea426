// SPDX-License-Identifier: Apache-2.0
#include "bench/models/sized_weights.hpp"

#include <algorithm>

#include "offload/units.hpp"

namespace offload {
namespace {

/// The length of a row for `elements` elements: a power of two as in real weights where possible.
std::size_t row_length(std::size_t elements) {
  constexpr std::size_t longest = 8192;
  constexpr std::size_t shortest = 64;  // shorter rows are no weight anybody has
  std::size_t power = 1;
  while (power < longest && elements % (power * 2) == 0) power *= 2;
  if (power >= shortest) return power;
  for (std::size_t divisor = std::min(longest, elements); divisor >= shortest; --divisor) {
    if (elements % divisor == 0) return divisor;
  }
  return elements;  // no row length divides it: one single row
}

}  // namespace

WeightSet sized_weights(std::size_t bytes) {
  const DType dtype = bytes % 2 == 0 ? DType::bf16 : DType::u8;
  const std::size_t elements = bytes / bytes_of(dtype);
  const std::size_t cols = row_length(elements);
  return {format_size(bytes), {{"bytes", dtype, elements / cols, cols}}};
}

}  // namespace offload
