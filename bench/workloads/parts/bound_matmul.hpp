// SPDX-License-Identifier: Apache-2.0
// The products of a pass bound to weights: their inputs, outputs, launches and check.
#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "offload/workload.hpp"

namespace offload {

/// `weights` of dtypes that can be multiplied: bf16, fp16, fp8_e4m3.
std::unique_ptr<BoundWorkload> bind_matmul(const WeightSet& weights,
                                           std::span<const TensorContent> data, std::size_t tokens,
                                           HostWorkers& workers, bool gpu);

}  // namespace offload
