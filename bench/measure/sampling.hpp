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
/// shared host (milliseconds) even out. At most 16, for each needs a cache flush of its own.
inline std::size_t passes_per_sample(double pass_seconds, Start start) {
  const double shortest = start == Start::cold ? 1e-3 : 20e-3;
  constexpr double most = 16;
  return static_cast<std::size_t>(
      std::clamp(std::ceil(shortest / std::max(pass_seconds, 1e-9)), 1.0, most));
}

}  // namespace offload
