// SPDX-License-Identifier: Apache-2.0
// The plain read bound to weights, for the workloads that read instead of computing.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "offload/workload.hpp"

namespace offload {

/// Reads `pieces`, each of which begins at a multiple of 4 bytes; sums tell whether every byte
/// came.
std::unique_ptr<BoundWorkload> bind_stream_read(const WeightSet& weights,
                                                std::span<const TensorContent> data,
                                                std::vector<Piece> pieces, HostWorkers& workers,
                                                bool gpu);

}  // namespace offload
