// SPDX-License-Identifier: Apache-2.0
// The one loop that measures everything:
//
//   place, fill, one untimed pass that verifies the result against the CPU reference
//   per sample:  placement.reset(start); flush caches                           -- untimed
//                begin; for each piece: view = acquire; launch(view); release   -- timed
//                end
//   behind them, one more such pass, the outputs poisoned ahead of it and verified behind it
//
// PlacedCase places and enqueues, Passes runs and times, CaseEvidence and CountedPasses watch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "bench/core/huge_page.hpp"
#include "bench/measure/beside/running_traffic.hpp"
#include "bench/measure/case_evidence.hpp"
#include "bench/measure/counted_passes.hpp"
#include "bench/measure/passes.hpp"
#include "bench/measure/placed_case.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/session.hpp"
#include "bench/record.hpp"

namespace offload {

/// What no pass over `path` exceeds, in bytes per second: the nominal peak or, where that is not
/// known, the calibrated rate. nullopt where neither is, and of what the CPU reads.
std::optional<double> max_bytes_per_second(Path path, const Platform& platform,
                                           const Calibration& calibration);

struct LoopOptions {
  bool graphs = false;    // capture each pass in a CUDA graph where the policy allows it
  bool watch = true;      // passes of prepare() for evidence(): reading counters takes 1 ms a pass
  bool thorough = false;  // evidence() may run passes of its own
  std::uint64_t seed = 1;
  TrafficSettings traffic = {};  // of cases that other traffic runs beside
  /// Called between phases; throws to leave (an interrupt).
  std::function<void()> checkpoint = [] {};
};

/// What is known of a case before its first sample.
struct PreparedCase {
  PassBytes bytes;
  std::size_t steps = 0;
  std::optional<std::size_t> link_bytes = 0;  // see CaseRecord
  std::size_t cpu_bytes = 0;
  bool captured = false;
  Footprint footprint;
  std::optional<HugePageUse> huge_pages;  // of host memory that is to be in them
  std::size_t passes_per_sample = 1;
};

class Loop {
 public:
  /// `wall` receives where the time went. All references must outlive the loop.
  Loop(Session& session, const Calibration& calibration, WallTime& wall, LoopOptions options = {});
  ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Place, fill and verify `item`, reusing what the previous case left where it is the same.
  /// Throws CudaError or ImplausibleResult.
  PreparedCase prepare(const Case& item);
  /// Go back to a case prepared under the same placement, without verifying it again.
  void resume(const Case& item);
  /// Seconds per pass of the case last prepared or resumed. Throws CudaError, or ImplausibleResult
  /// when the rate is above what its path can carry.
  double sample();
  /// One pass of a sample, to be taken in turn with something else; sample() alone reports an
  /// implausible rate.
  double pass();
  std::size_t passes_per_sample() const { return passes_per_sample_; }
  /// Of the sample taken last, the part before reading began, for workloads that report it.
  std::optional<double> setup_seconds() const { return setup_seconds_; }

  /// Throws ImplausibleResult when one more pass, timed as its samples were, computes something
  /// wrong. A captured pass is launched piece by piece from now on.
  void verify();

  /// Of the passes of prepare() that it watched, and the samples since.
  Evidence evidence() { return evidence_.collect(options_.thorough); }
  PassSeries series(std::size_t count) { return evidence_.series(count); }
  CountedPasses& counted() { return counted_; }

  /// Of a case with traffic beside it, which ends: what both did to each other, as far as one case
  /// shows it. Throws what the traffic failed by.
  CaseBeside end_traffic();

  /// What befell the weights that are placed, as Placement::fault() says it.
  std::optional<std::string> fault() const { return placed_.fault(); }

  /// Of the prepared case, for bare comparisons on the same bytes.
  Placement& placement() { return placed_.placement(); }
  BoundWorkload& workload() { return placed_.workload(); }
  /// Give all memory back and forget the last case.
  void clear() noexcept;

 private:
  bool watches() const;
  void tune();
  double settle();

  const LoopOptions options_;
  Session& session_;
  const Calibration& calibration_;
  WallTime& wall_;
  PlacedCase placed_;
  Passes passes_;
  CaseEvidence evidence_;
  CountedPasses counted_;
  std::optional<RunningTraffic> traffic_;  // beside the current case
  std::size_t passes_per_sample_ = 1;
  std::optional<double> setup_seconds_;
};

}  // namespace offload
