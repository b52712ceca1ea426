// SPDX-License-Identifier: Apache-2.0
// What measuring a case gave, part by part as it came, and the one place that makes records of it.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/evidence.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/model_bound.hpp"
#include "bench/measure/plan.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/record.hpp"

namespace offload {

/// What one of several GPUs did that ran a case together.
struct MemberResult {
  int gpu = 0;
  std::vector<double> samples;  // seconds per pass
  std::size_t bytes = 0;        // requested by its own pass
  std::string failure;          // "" = none so far
};

struct CaseResult {
  const Case* item = nullptr;
  PreparedCase prepared;
  std::vector<double> samples;        // seconds per pass
  std::vector<double> setup_samples;  // likewise, before reading began
  Evidence evidence;
  std::optional<PassSeries> series;
  std::vector<MemberResult> members;  // where several ran it: the rest is of all of them
  std::optional<CaseBeside> beside;   // of its rates that of the case alone is not among them
  std::string failure;                // "" = none so far
  bool all_samples = false;

  bool complete() const { return all_samples && failure.empty(); }
};

/// What a record says beside what its case gave.
struct RecordContext {
  const Platform& platform;
  const Calibration& calibration;
  const OffloadRules& rules;
  const Tuning& tuning;
};

/// By the rates of a machine; nullopt where one that it takes is not known, or nothing is known of
/// the workload.
std::optional<Prediction> predict(const Case& item, const Rates& rates, const Tuning& tuning,
                                  bool captured, const Platform& platform);

/// The record of one case, but for what other cases of the run say of it.
CaseRecord make_record(const CaseResult& result, const RecordContext& context);
/// By the GPUs that ran a case.
using ContextOf = std::function<RecordContext(const Case& item)>;
/// The finished records of a run, in order.
std::vector<CaseRecord> make_records(std::span<const CaseResult> results,
                                     const ContextOf& context_of);

/// `cases` with `model` of those that passed over a model's slice. What is offloaded scales with
/// its bytes; what is resident takes, beyond the slice's share, the time that device_resident took
/// for as many bytes in the same run, or what the calibrated rate of GPU memory takes for the part
/// of them that a pass reads; a prefill without the former gets no figures.
std::vector<CaseRecord> with_model_figures(std::vector<CaseRecord> cases, const Machine& machine);

}  // namespace offload
