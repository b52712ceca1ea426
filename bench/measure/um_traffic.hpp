// SPDX-License-Identifier: Apache-2.0
// What the driver moved on behalf of a pass, by CUPTI's unified-memory counters. They slow all
// passes down from the first measure() on.
// um_traffic_absent.cpp stands in where there is no CUPTI.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/evidence.hpp"
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
  /// awaited. Collecting what was counted takes some 20 ms, however many passes there are; more
  /// than some 100 MiB moved meanwhile overwhelm the counters. Without them the passes still run,
  /// and the finding says why there are none. Lets their exceptions through. One measure() at a
  /// time. Counters stay on until stop(), for turning them on and off takes 0.1 s.
  Observed<std::vector<UmTraffic>> measure(std::span<const Pass> passes);
  void stop() { counters_.reset(); }

 private:
  Support start();
  Observed<std::vector<UmTraffic>> count(std::span<const Pass> passes);

  std::optional<Support> support_;
  std::shared_ptr<const void> counters_;  // on while held
};

}  // namespace offload
