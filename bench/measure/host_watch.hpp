// SPDX-License-Identifier: Apache-2.0
// What else ran on the host's CPUs over a stretch of time: the samples of a case.
#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/platform/host_load.hpp"

namespace offload {

class HostWatch {
 public:
  /// Of the CPUs that this thread may run on.
  explicit HostWatch(std::filesystem::path root = "/");

  /// The stretch begins. CPU time of `driver`, the GPU driver's threads, counts as this process's.
  void begin(const DriverThreads& driver);
  /// It ends; begin() must have been called. Takes as long as reading some files of /proc does.
  Observed<HostState> end(const DriverThreads& driver) const;

 private:
  /// Seconds that this process and `driver` ran.
  static double own_seconds(const DriverThreads& driver);

  std::filesystem::path root_;
  std::vector<int> cpus_;
  Stopwatch watch_;
  std::optional<CpuTimes> times_before_;
  double own_before_ = 0;
};

}  // namespace offload
