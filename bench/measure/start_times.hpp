// SPDX-License-Identifier: Apache-2.0
// What beginning costs, whatever the size: a copy, a kernel, a turn between GPU and CPU.
#pragma once
#include <cstddef>

#include "bench/measure/session.hpp"
#include "bench/record.hpp"

namespace offload {

/// Fills `result`, in which the rates are known, by copies of `bytes` (64 MiB or more) from pinned
/// memory to GPU memory.
void calibrate_starts(Session& session, WallTime& wall, std::byte* pinned, std::byte* device,
                      std::size_t bytes, Calibration& result);

/// From the end of the GPU's or the CPU's work to the other's begin, where both do next to nothing.
double hand_over_seconds(Session& session);

}  // namespace offload
