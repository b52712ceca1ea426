// SPDX-License-Identifier: Apache-2.0
// Measures cases one after the other, sample by sample, as a harness asks for them. What fails
// stays with its case, unless the GPU context died of it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/measure/loop.hpp"
#include "bench/options.hpp"
#include "bench/record.hpp"

namespace offload {

class CaseRunner {
 public:
  /// All references must outlive this.
  CaseRunner(Loop& loop, const Options& options, WallTime& wall)
      : loop_(loop), options_(options), wall_(wall) {}

  /// Place and verify `item`, the next case.
  CaseResult& begin(const Case& item);
  /// One more sample of the current case; none once it failed.
  void take_sample();
  /// After the last sample, while the weights are placed: evidence of the current case, and whether
  /// its passes still compute what they should.
  void finish();
  /// After the last case, because counting disturbs all later passes: what the driver moved.
  /// `at_case` is called before the passes of a case and `after_case` after them.
  void count_traffic(const Catalog& catalog, const std::function<void(const CaseResult&)>& at_case,
                     const std::function<void(const CaseResult&)>& after_case);

  bool is_current(const Case& item) const { return !results_.empty() && current().item == &item; }
  const CaseResult& current() const { return results_.back(); }
  const std::vector<CaseResult>& results() const { return results_; }

 private:
  /// Runs `step` at the case boundary. Throws CudaError when the context is dead.
  void guarded(CaseResult& result, const std::function<void()>& step);
  void take_evidence(CaseResult& result);

  Loop& loop_;
  const Options& options_;
  WallTime& wall_;
  std::vector<CaseResult> results_;  // of the cases begun so far
};

}  // namespace offload
