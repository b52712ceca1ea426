// SPDX-License-Identifier: Apache-2.0
// CPU time and page faults of this process, and CPU time of the NVIDIA driver's kernel threads:
// what a policy costs in cores, "UVM GPU1 BH" among them, which serves GPU page faults.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/evidence.hpp"

namespace offload {

/// The driver's kernel threads as they were found under <root>/proc; their clocks run on.
class DriverThreads {
 public:
  explicit DriverThreads(const std::filesystem::path& root = "/");

  /// Whether any is visible: a container may hide them.
  bool available() const { return !threads_.empty(); }

  /// Seconds each has run since it was made, in the order of names().
  std::vector<double> seconds() const;
  std::vector<std::string> names() const;

 private:
  struct Thread {
    std::string name;
    std::filesystem::path folder;
  };
  std::vector<Thread> threads_;
};

/// Of this process since it was made.
struct ProcessUsage {
  double cpu_seconds = 0;  // user and system
  double minor_faults = 0;
  double major_faults = 0;
};
ProcessUsage process_usage();

}  // namespace offload
