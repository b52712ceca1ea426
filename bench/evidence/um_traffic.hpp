// SPDX-License-Identifier: Apache-2.0
// What the driver moved on behalf of a pass, by CUPTI's unified-memory counters. They slow the
// pass down, so they run only inside measure(), which is for untimed passes.
// um_traffic_absent.cpp stands in where there is no CUPTI.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bench/evidence/evidence.hpp"
#include "offload/support.hpp"

namespace offload {

class UmCollector {
 public:
  /// Whether the counters work here, and if not, why. The first call tries them on a known transfer
  /// (seconds): the device must be set by then.
  const Support& available();
  /// Whether they count a known transfer right at this moment: they lose records now and then,
  /// without saying so, which makes them count too little.
  bool count_right();

  struct Pass {
    std::function<void()> prepare;  // what it does is not counted
    std::function<void()> run;
  };
  /// Runs `passes` one after the other and returns what the driver did in each, work they enqueue
  /// awaited. Turning the counters on and off takes some 60 ms, however many passes there are; more
  /// than some 100 MiB moved meanwhile overwhelm them. Without counters the passes still run, and
  /// the finding says why there are none. Lets their exceptions through. One measure() at a time.
  Found<std::vector<UmTraffic>> measure(std::span<const Pass> passes);

 private:
  Found<std::vector<UmTraffic>> count(std::span<const Pass> passes);

  std::optional<Support> support_;
};

}  // namespace offload
