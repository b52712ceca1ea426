// SPDX-License-Identifier: Apache-2.0
// This machine without its GPU, for loops that run anywhere.
#pragma once
#include <cstddef>

#include "bench/platform/probe.hpp"

namespace offload::testing {

inline Platform cpu_only() {
  Platform platform = probe_platform(0);
  platform.gpu.reset();
  platform.gpu_absent_reason = "left out";
  platform.host.last_level_cache_bytes = std::size_t{1} << 20;  // flushes quickly
  return platform;
}

}  // namespace offload::testing
