// SPDX-License-Identifier: Apache-2.0
// The one loop that measures everything:
//
//   place, fill, one untimed pass that verifies the result against the CPU reference
//   per sample:  placement.reset(start); flush caches                           -- untimed
//                begin; for each piece: view = acquire; launch(view); release   -- timed
//                end
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/measure/content.hpp"
#include "bench/measure/cpu_time.hpp"
#include "bench/measure/energy_meter.hpp"
#include "bench/measure/gpu_counters.hpp"
#include "bench/measure/pass_means.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/session.hpp"
#include "bench/measure/um_traffic.hpp"
#include "bench/record.hpp"

namespace offload {

/// What is known of a case before anything is allocated for it.
CaseRecord describe(const Case& item, const Platform& platform);

class Loop {
 public:
  /// `wall` receives where the time went. All references must outlive the loop.
  Loop(Session& session, const Calibration& calibration, std::uint64_t seed, WallTime& wall);
  /// Capture each pass in a CUDA graph where the policy allows it.
  void use_graphs(bool use) { use_graphs_ = use; }
  /// Whether prepare() watches passes for evidence(): reading counters takes 1 ms a pass.
  void set_watching(bool watches) { watches_ = watches; }
  /// Whether evidence() may run passes of its own, for what cannot be read around the watched ones.
  void set_thorough(bool thorough) { thorough_ = thorough; }

  /// Called between phases; throws to leave (an interrupt).
  std::function<void()> checkpoint = [] {};

  /// Place, fill and verify `item`, reusing what the previous case left where it is the same.
  /// Returns describe() completed by all that is known before the first sample.
  /// Throws CudaError or ImplausibleResult.
  CaseRecord prepare(const Case& item);
  /// Go back to a case prepared under the same placement, without verifying it again.
  void resume(const Case& item);
  /// Seconds per pass of the case last prepared or resumed. Throws CudaError, or ImplausibleResult
  /// when the rate is above what its path can carry.
  double sample();
  /// One pass of a sample, to be taken in turn with something else; sample() alone tells an
  /// implausible rate.
  double pass();
  std::size_t passes_per_sample() const { return passes_per_sample_; }
  /// Of the pass timed last, the part before reading began, for workloads that tell.
  std::optional<double> setup_seconds() const { return setup_seconds_; }
  /// What process, driver and hardware did in the passes of prepare() that it watched, and in what
  /// state the samples since left the machine; all but the driver's own counters.
  Evidence evidence();
  /// `count` passes on end from the case's start, without a reset between them.
  PassSeries series(std::size_t count);
  /// What the driver moves in one untimed pass of `item`. Counters stay on until clear() and slow
  /// later faults down even then, so this belongs behind the last sample of a run. Throws
  /// ImplausibleResult when the start is cold and a policy that migrates moved less than it read.
  Observed<UmTraffic> um_traffic(const Case& item);
  /// Likewise of several cases of one policy over the same weights, which must be small, counted
  /// together in a fraction of the time. Nothing for a case whose records were lost or were too
  /// few: um_traffic() says what to think of it.
  std::vector<std::optional<UmTraffic>> um_traffic_at_once(std::span<const Case> items);
  /// Likewise of each of `count` passes on end.
  Observed<std::vector<UmTraffic>> um_series(const Case& item, std::size_t count);
  /// Give all memory back and forget the last case.
  void clear() noexcept;

  /// Of the prepared case, for bare comparisons on the same bytes.
  Placement& placement() { return *placement_; }

 private:
  /// What counters are held against.
  struct CountedPass {
    std::size_t bytes_read = 0;
    std::size_t min_moved = 0;  // to the GPU
    bool migrates = false;
    double wire_to_device = 0;  // bytes that the link carried meanwhile
  };

  bool is_placed(const Case& item) const;
  void bind(const Case& item);
  void next_pass();
  void plan_countable();
  std::size_t offloaded_bytes(std::size_t first, std::size_t last) const;
  CountedPass begin_counted();
  CountedPass countable_pass() const;
  void run_counted(std::size_t first, std::size_t last, CountedPass& pass);
  static Observed<UmTraffic> checked(UmTraffic traffic, const CountedPass& pass);
  Observed<UmTraffic> count_in_parts(CountedPass pass);
  Observed<LinkTraffic> link_of(const PassMeans& means) const;
  Observed<Energy> energy_of_passes();
  void adopt(PassPlan plan);
  void tune();
  void capture();
  void hand_over(const Piece& from, const PieceView& to);
  void enqueue(std::size_t first, std::size_t last);
  void enqueue_pass();
  void make_content(Content content);
  void make_room() const;
  void run_pass();
  double timed_pass(Start start, PassMeans* watched = nullptr);
  double settle();
  void verify();
  void require_right();
  void require_plausible(double seconds) const;

  Session& session_;
  const Calibration& calibration_;
  std::uint64_t seed_;
  WallTime& wall_;
  UmCollector um_;
  DriverThreads driver_threads_;
  GpuCounters gpu_counters_;
  EnergyMeter energy_meter_;

  Case item_;
  std::map<Content, MasterCopy> masters_;  // of the current weights
  std::map<const Workload*, std::unique_ptr<BoundWorkload>> bound_workloads_;  // likewise
  const Policy* placed_policy_ = nullptr;
  std::optional<Content> placed_content_;
  std::unique_ptr<Placement> placement_;
  PassPlan plan_;
  std::size_t link_bytes_ = 0;  // that cross the link in a pass, if the policy's path is the link
  std::optional<cuda::Graph> graph_;
  BoundWorkload* bound_workload_ = nullptr;
  bool computes_on_cpu_ = false;
  bool computes_on_gpu_ = false;
  bool cpu_reads_weights_ = false;  // to compute with them, or to stage them for a copy
  std::size_t passes_per_sample_ = 1;
  std::size_t pass_index_ = 0;  // of the next pass, for workloads that vary
  double last_pass_seconds_ = 0;
  SetupClock* clock_ = nullptr;  // while a pass is timed
  std::optional<double> setup_seconds_;
  bool use_graphs_ = false;

  bool watches_ = true;
  bool thorough_ = false;
  std::optional<PassMeans> watched_;  // passes of the case last prepared
  GpuState state_before_;
};

}  // namespace offload
