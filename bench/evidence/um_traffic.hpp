// SPDX-License-Identifier: Apache-2.0
// What the driver moved on behalf of one pass, by CUPTI's unified-memory counters. They slow the
// pass down, so they run only inside measure(), which is for untimed passes.
// um_traffic_absent.cpp stands in where there is no CUPTI.
#pragma once
#include <functional>
#include <optional>

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

  /// Runs `pass` once and returns what the driver did meanwhile, work enqueued before excluded and
  /// work enqueued by the pass awaited. Without counters the pass still runs, and the finding says
  /// why there are none. Lets the pass's exceptions through. One measure() at a time.
  Found<UmTraffic> measure(const std::function<void()>& pass);

 private:
  Found<UmTraffic> count(const std::function<void()>& pass);

  std::optional<Support> support_;
};

}  // namespace offload
