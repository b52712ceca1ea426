// SPDX-License-Identifier: Apache-2.0
// What of the link carries other things than weights on their way to the GPU: writes by kernels,
// copies both ways at once, and reads of GPU memory by the CPU.
#pragma once
#include <cstddef>
#include <optional>

#include "bench/measure/session.hpp"
#include "bench/record.hpp"

namespace offload {

/// Fills `result`, in which the rates of copies are known, by `bytes` (4 MiB or more, whole MiB) of
/// pinned memory and as much GPU memory, both initialised.
void calibrate_directions(Session& session, WallTime& wall, std::byte* pinned, std::byte* device,
                          std::size_t bytes, Calibration& result);

/// Bytes per second of all workers reading managed memory that is on the GPU and stays there.
/// nullopt where the CPU cannot, which a link that is not coherent never lets it, or where pages
/// came to it instead.
std::optional<double> host_read_of_gpu_memory(Session& session, WallTime& wall, std::size_t bytes);

}  // namespace offload
