// SPDX-License-Identifier: Apache-2.0
// A pass through tensors of which some are of types that nothing here multiplies (Q4_K, MXFP4,
// scales): those are read byte by byte, as a kernel that decodes them would have to.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "offload/workload.hpp"

namespace offload {

/// Binds the tensors it is given, which can all be multiplied.
using BindProducts = std::function<std::unique_ptr<BoundWorkload>(
    const WeightSet& weights, std::span<const TensorContent> data)>;

/// `multiplied` has a flag per tensor; `pieces` is what a pass reads of all of them, in order.
std::unique_ptr<BoundWorkload> bind_mixed(const WeightSet& weights,
                                          std::span<const TensorContent> data,
                                          const std::vector<bool>& multiplied,
                                          std::vector<Piece> pieces,
                                          const BindProducts& bind_products, HostWorkers& workers,
                                          bool gpu);

}  // namespace offload
