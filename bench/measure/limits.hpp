// SPDX-License-Identifier: Apache-2.0
// How far the suite's own kernels and policies are from what the hardware and the vendor's library
// reach, every comparison measured side by side in one run.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/session.hpp"
#include "bench/record.hpp"
#include "offload/weights.hpp"

namespace offload {

struct LimitsContext {
  Session& session;
  Loop& loop;
  const Catalog& catalog;
  const Calibration& calibration;
  WallTime& wall;
  std::size_t samples;
  LoopOptions loop_options;                            // of the run's own passes
  std::function<void(const std::string& id)> started;  // progress
};

/// Appends to `limits` one by one, so that a failure (CudaError, ImplausibleResult) leaves those
/// before it. Comparisons that this machine cannot make are left out, with a line to `skip`.
void measure_limits(LimitsContext& context, std::vector<Limit>& limits,
                    const std::function<void(SkippedCase)>& skip);

/// The gate projection of Llama-3.1-70B: 470 MB, far above any cache.
inline constexpr std::size_t large_rows = 28672;
inline constexpr std::size_t large_cols = 8192;

/// One bf16 matrix; its name is the weight set's too.
WeightSet bf16_weights(std::string label, std::size_t rows, std::size_t cols);

/// Layers of one bf16 matrix each.
WeightSet bf16_layers(std::size_t layers, std::size_t layer_bytes);

/// How a limit is measured: cases of the loop, and bare work in turn with them.
class LimitRunner {
 public:
  LimitRunner(LimitsContext& context, std::vector<Limit>& limits,
              const std::function<void(SkippedCase)>& skip)
      : context_(context), limits_(limits), skip_(skip) {}

  LimitsContext& context() { return context_; }
  Session& session() { return context_.session; }
  Loop& loop() { return context_.loop; }

  /// Linear layers of Llama-3.1-8B, as many as have `max_bytes`.
  WeightSet llama(std::uint64_t max_bytes) const;
  Case steady(const Workload* workload, const char* policy, const WeightSet& weights) const;
  Case steady(const char* workload, const char* policy, const WeightSet& weights) const;
  /// Median seconds per pass of a case, measured by the loop like any other.
  double case_median(const Case& item) { return case_median(loop(), item); }
  double case_median(Loop& loop, const Case& item) const;
  /// The medians of two measurements, either of as many samples of as many passes as the case last
  /// prepared has; pass by pass in turn, because a shared host drifts within one sample.
  std::pair<double, double> in_turn(const std::function<double()>& ours,
                                    const std::function<double()>& theirs) const;
  /// The case last prepared, and `bare` work on the stream.
  std::pair<double, double> against(const std::function<void()>& bare, bool flush_host = false);

  /// The first byte of the weights as a policy that reads them in place shows them.
  const std::byte* placed_data();
  /// False, and a skipped row, when the machine lacks what the policy needs, or what the case does.
  bool start(const std::string& id, const char* policy);
  bool start(const std::string& id, const Case& item);
  /// The same of what is held against a link: false where GPU and CPU share one memory, too, since
  /// copies, and all that would overlap with them, share its rate.
  bool start_against_link(const std::string& id, const char* policy);
  void add(std::string id, std::string description, double ratio, double goal, bool at_least,
           double measured, double reference, const char* unit);
  void skip(SkippedCase skipped) { skip_(std::move(skipped)); }

 private:
  bool start(const std::string& id, const Support& support, SkippedCase otherwise);

  LimitsContext& context_;
  std::vector<Limit>& limits_;
  const std::function<void(SkippedCase)>& skip_;
};

/// Limits of passes over many tensors, and of many tokens.
void measure_pass_limits(LimitRunner& runner);
/// Limits of contenders against one another.
void measure_contender_limits(LimitRunner& runner);

}  // namespace offload
