// SPDX-License-Identifier: Apache-2.0
// Small weight sets that stand for large ones.
#pragma once
#include <cstddef>

#include "offload/weights.hpp"

namespace offload {

/// Rows of the first tensor that is not resident, `max_bytes` of them or a few rows; without
/// experts. No tensor where all are resident.
WeightSet plain_part(const WeightSet& weights, std::size_t max_bytes);

}  // namespace offload
