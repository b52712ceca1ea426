// SPDX-License-Identifier: Apache-2.0
// Weights of no model: a plain number of bytes.
#pragma once
#include <cstddef>

#include "offload/weights.hpp"

namespace offload {

/// One tensor of exactly `bytes` bytes, named by format_size: bf16 when the size is even, u8 when
/// odd, with rows of a power of two up to 8192 elements where that divides the size.
WeightSet sized_weights(std::size_t bytes);

}  // namespace offload
