// SPDX-License-Identifier: Apache-2.0
// From readings of running counters around passes to what one pass takes.
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/measure/cpu_time.hpp"
#include "bench/measure/gpu_counters.hpp"

namespace offload {

/// The running counters at one moment.
struct Moment {
  ProcessUsage process;
  std::vector<double> threads;            // as DriverThreads::seconds() has them
  std::optional<GpuCounters::Wire> wire;  // nullopt where it cannot be read
};
/// Reading costs CPU time itself: the process's is read last before a pass and first after
/// it.
Moment moment_before(const DriverThreads& threads, const GpuCounters& counters);
Moment moment_after(const DriverThreads& threads, const GpuCounters& counters);

class PassMeans {
 public:
  /// Whether the GPU only reads over the link in these passes (see link_traffic).
  explicit PassMeans(bool gpu_only_reads) : gpu_only_reads_(gpu_only_reads) {}

  void add(const Moment& before, const Moment& after);
  std::size_t passes() const { return passes_; }

  /// `threads` are those of the moments.
  CpuTime cpu(const DriverThreads& threads) const;
  PageFaults page_faults() const;
  /// nullopt where some moment did not know.
  std::optional<LinkTraffic> link() const;

 private:
  double mean(double sum) const { return sum / static_cast<double>(passes_); }

  bool gpu_only_reads_;
  std::size_t passes_ = 0;
  std::size_t passes_with_wire_ = 0;
  ProcessUsage process_;
  std::vector<double> threads_;
  LinkTraffic link_;
};

}  // namespace offload
