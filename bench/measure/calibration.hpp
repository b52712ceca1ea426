// SPDX-License-Identifier: Apache-2.0
// What the machine can do, measured in the first seconds of every run: all later figures are also
// shown as a share of these.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>

#include "bench/measure/session.hpp"
#include "bench/record.hpp"
#include "kernels/stream_read.hpp"

namespace offload {

/// `checkpoint` is called between measurements and may throw to leave.
Calibration calibrate(Session& session, WallTime& wall, const std::function<void()>& checkpoint);

/// Adds what comes from the memory of the GPU that serves as a peer: for runs that use it, because
/// it takes of another GPU. Nothing where there is none, or no room on it.
void calibrate_peer(Session& session, WallTime& wall, Calibration& result);

/// Bytes per second of copies to the GPU from memory that is not pinned, the median of some: the
/// CPU stages them, no two alike. Needs a GPU.
double pageable_copy_rate(Session& session, WallTime& wall);

/// How much host memory a calibrating read streams through: many times what the CPU's caches hold,
/// within reason, and a quarter of what there is at most. The flush before does what size cannot.
std::size_t host_read_bytes(const Host& host);

/// The fastest SM read of `bytes` at `data` over a sweep of grids, block sizes and load widths.
struct BestRead {
  double seconds = 0;
  kernels::StreamReadShape shape;
};
BestRead best_sm_read(Session& session, WallTime& wall, const std::byte* data, std::size_t bytes,
                      int repeats);

}  // namespace offload
