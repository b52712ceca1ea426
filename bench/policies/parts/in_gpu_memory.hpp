// SPDX-License-Identifier: Apache-2.0
// Weights in GPU memory: all of them under device_resident, and under any policy those that an
// engine would not offload.
#pragma once
#include <memory>
#include <span>

#include "offload/policy.hpp"

namespace offload {

Requirement needed_in_gpu_memory(const WeightSet& weights, const Tuning& tuning);
std::unique_ptr<Placement> place_in_gpu_memory(std::span<const WeightTensor> tensors,
                                               const PlaceContext& context);

}  // namespace offload
