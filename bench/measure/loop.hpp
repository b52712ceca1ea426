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
#include <vector>

#include "bench/evidence/um_traffic.hpp"
#include "bench/measure/content.hpp"
#include "bench/measure/session.hpp"
#include "bench/plan/plan.hpp"
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
  /// What the driver moves in one untimed pass of `item`, over as much of its weights as can be
  /// counted. Counting slows later faults down, even after it has ended, so this belongs behind the
  /// last sample of a run. Throws ImplausibleResult when the start is cold and a policy that
  /// migrates moved less than it read.
  Evidence evidence(const Case& item);
  /// Give all memory back and forget the last case.
  void clear() noexcept;

  /// Of the prepared case, for bare comparisons on the same bytes.
  Placement& placement() { return *placement_; }

 private:
  void bind(const Case& item);
  void adopt(PassPlan plan);
  void tune();
  void capture();
  void hand_over(const Piece& from, const PieceView& to);
  void enqueue_pass();
  void make_content(Content content);
  void make_room() const;
  void run_pass();
  double timed_pass();
  double settle();
  void verify();
  void require_right();
  void require_plausible(double seconds) const;

  Session& session_;
  const Calibration& calibration_;
  std::uint64_t seed_;
  WallTime& wall_;
  UmCollector um_;

  Case item_;
  std::map<Content, MasterCopy> masters_;                         // of the current weights
  std::map<const Workload*, std::unique_ptr<Reading>> readings_;  // likewise
  const Policy* placed_policy_ = nullptr;
  std::optional<Content> placed_content_;
  std::unique_ptr<Placement> placement_;
  PassPlan plan_;
  std::size_t link_bytes_ = 0;  // that cross the link in a pass, if the policy's path is the link
  std::optional<cuda::Graph> graph_;
  Reading* reading_ = nullptr;
  bool computes_on_cpu_ = false;
  bool computes_on_gpu_ = false;
  bool cpu_reads_weights_ = false;  // to compute with them, or to stage them for a copy
  std::size_t passes_per_sample_ = 1;
  bool use_graphs_ = false;
};

}  // namespace offload
