// SPDX-License-Identifier: Apache-2.0
// Named ranges on a profiler's timeline: one per case, by its name, and inside it one per phase
// (place, fill, verify, reset, sample). They cost next to nothing when no profiler is attached.
// ranges_absent.cpp stands in where there is no NVTX.
#pragma once
#include <string>

namespace offload {

/// Open while it lives, on the calling thread, in the domain "offload_bench".
class Range {
 public:
  explicit Range(const std::string& name);
  ~Range();
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

}  // namespace offload
