// SPDX-License-Identifier: Apache-2.0
// Small weight sets that stand for large ones.
#pragma once
#include <cstddef>
#include <optional>

#include "offload/weights.hpp"

namespace offload {

/// Rows of the first tensor that is not resident, `most_bytes` of them or a few rows; without
/// experts. No tensor where all are resident.
WeightSet plain_part(const WeightSet& weights, std::size_t most_bytes);

/// The same stacks with their first `experts` experts only. nullopt where one has no more.
std::optional<WeightSet> fewer_experts(const WeightSet& weights, std::size_t experts);

}  // namespace offload
