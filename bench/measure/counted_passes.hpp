// SPDX-License-Identifier: Apache-2.0
// What the driver moves in passes that nobody times, by its own counters. Counters stay on until
// stop() and slow later faults down even then, so this belongs after the last sample of a run.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/passes.hpp"
#include "bench/measure/placed_case.hpp"
#include "bench/measure/session.hpp"
#include "bench/measure/um_traffic.hpp"

namespace offload {

class CountedPasses {
 public:
  /// All references must outlive this.
  CountedPasses(Session& session, PlacedCase& placed, Passes& passes, const GpuCounters& counters,
                const std::function<void()>& checkpoint);

  /// What the driver moves in one pass of `item`. Throws ImplausibleResult when a policy that
  /// migrates moved less than it read, from cold or, if it does so in every pass, from any start.
  Observed<UmTraffic> traffic(const Case& item);
  /// Likewise of several cases of one policy over the same weights, which must be small, counted
  /// together in a fraction of the time. Nothing for a case whose records were lost or were too
  /// few: traffic() says what to think of it.
  std::vector<std::optional<UmTraffic>> traffic_at_once(std::span<const Case> items);
  /// Likewise of each of `count` consecutive passes.
  Observed<std::vector<UmTraffic>> series(const Case& item, std::size_t count);
  void stop() { um_.stop(); }

 private:
  /// What counters are held against.
  struct CountedPass {
    std::size_t bytes_read = 0;
    std::size_t min_moved = 0;  // to the GPU
    bool migrates = false;
    double wire_to_device = 0;  // bytes that the link carried meanwhile
  };

  CountedPass begin();
  CountedPass planned() const;
  void run(std::size_t first, std::size_t last, CountedPass& pass);
  static Observed<UmTraffic> checked(UmTraffic traffic, const CountedPass& pass);
  Observed<UmTraffic> count_in_parts(CountedPass pass);

  Session& session_;
  PlacedCase& placed_;
  Passes& passes_;
  const GpuCounters& gpu_counters_;
  const std::function<void()>& checkpoint_;
  UmCollector um_;
};

}  // namespace offload
