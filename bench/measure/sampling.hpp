// SPDX-License-Identifier: Apache-2.0
// How many passes make a sample.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "offload/start.hpp"

namespace offload {

/// Enough passes that a sample from cold, where each pass is paid for by a reset, takes 1 ms: the
/// clock's resolution (0.5 us) is then below 0.1 %. Otherwise 20 ms, so that the interruptions of a
/// shared host (milliseconds) even out. Where the CPU reads the weights, whose memory the others of
/// the host use too: 60 ms, or as many of six passes as end within 0.5 s. At most 32, for each
/// needs a cache flush of its own.
inline std::size_t passes_per_sample(double pass_seconds, Start start, bool cpu_reads) {
  const double pass = std::max(pass_seconds, 1e-9);
  double wanted = 20e-3 / pass;
  if (start == Start::cold) {
    wanted = 1e-3 / pass;
  } else if (cpu_reads) {
    wanted = std::max(60e-3 / pass, std::min(6.0, std::floor(0.5 / pass)));
  }
  return static_cast<std::size_t>(std::clamp(std::ceil(wanted), 1.0, 32.0));
}

}  // namespace offload
