// SPDX-License-Identifier: Apache-2.0
// A policy over weights of which some stay in GPU memory, as engines offload only what does not
// fit: those are placed as device_resident would, the others by the policy.
#pragma once
#include <memory>
#include <span>

#include "offload/policy.hpp"

namespace offload {

/// `weights` placed under `policy`, but for those marked resident.
std::unique_ptr<Placement> place_weights(const Policy& policy,
                                         std::span<const WeightTensor> weights,
                                         const PlaceContext& context);
/// The same with those marked resident placed otherwise than in GPU memory.
std::unique_ptr<Placement> place_weights(const Policy& policy, PlaceFunction place_resident,
                                         std::span<const WeightTensor> weights,
                                         const PlaceContext& context);
/// The memory that takes.
Requirement memory_needed(const Policy& policy, const WeightSet& weights, const Tuning& tuning);

}  // namespace offload
