// SPDX-License-Identifier: Apache-2.0
// What process, driver and hardware do in passes that are watched, and the energy of many; all but
// the driver's own counters (see CountedPasses).
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/host_watch.hpp"
#include "bench/measure/passes.hpp"
#include "bench/measure/placed_case.hpp"
#include "bench/measure/session.hpp"

namespace offload {

/// Why NVML's counters do not tell what crosses the link to this GPU; "" where they may.
std::string link_not_counted(const Platform& platform);

class CaseEvidence final : public PassWatch {
 public:
  /// All references must outlive this.
  CaseEvidence(Session& session, PlacedCase& placed, Passes& passes,
               const std::function<void()>& checkpoint);

  /// Forget the passes of the case before. `watches`: this one's will be watched.
  void begin_case(bool watches);
  /// Note the state of GPU and host: the first sample follows.
  void begin_samples();
  void before_pass() override;
  void after_pass() override;

  /// Of the passes watched since begin_case(), and in what state the passes since left the machine.
  /// `thorough`: passes of its own may be run for what cannot be read around those. Throws
  /// std::logic_error when no pass was watched.
  Evidence collect(bool thorough);
  /// `count` consecutive passes from the case's start, without a reset between them.
  PassSeries series(std::size_t count);

  const GpuCounters& gpu_counters() const { return gpu_counters_; }

 private:
  Observed<Residency> residency() const;
  Observed<LinkTraffic> link() const;
  Observed<Energy> energy();
  double driver_seconds(const std::vector<double>& since) const;
  void add_residency(PassSeries& series) const;

  Session& session_;
  PlacedCase& placed_;
  Passes& passes_;
  const std::function<void()>& checkpoint_;
  DriverThreads driver_threads_;
  const GpuCounters& gpu_counters_;
  EnergyMeter energy_meter_;
  std::optional<PassMeans> means_;  // of the watched passes
  Moment before_;
  Observed<Residency> residency_before_;  // the samples, of a warm case
  GpuState gpu_before_;
  HostWatch host_watch_;
};

}  // namespace offload
