// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/case_result.hpp"

#include "bench/measure/engine_flags.hpp"
#include "bench/measure/model_figures.hpp"

namespace offload {
namespace {

/// What is known of a case before anything is allocated for it.
CaseRecord describe(const Case& item, const RecordContext& context) {
  CaseRecord record;
  record.name = item.name();
  record.workload = item.workload->name();
  record.label = item.workload->label();
  record.policy = item.policy->name();
  record.start = name(item.start);
  record.weights = *item.weights;
  record.memory = item.policy->memory();
  record.mechanism = item.policy->mechanism();
  record.engine_flags = item.policy->engine_flags();
  if (item.weights->slice) record.engine_flags = engine_flags(record.engine_flags, context.rules);
  record.path = item.policy->path(item.start, context.platform);
  record.tokens = item.workload->tokens();
  record.migrates = migrates(*item.policy, context.platform);
  return record;
}

/// The rate of what crosses the link, by that of the copy engine.
std::optional<double> share_of_link(const CaseRecord& record, const Calibration& calibration) {
  const bool is_rate = record.steps == 0 && record.path == Path::link;
  if (!is_rate || !record.summary || !calibration.copy_h2d) return std::nullopt;
  const double rate = static_cast<double>(record.link_bytes) / record.summary->median;
  return rate / *calibration.copy_h2d;
}

}  // namespace

CaseRecord make_record(const CaseResult& result, const RecordContext& context) {
  CaseRecord record = describe(*result.item, context);
  record.bytes = result.prepared.bytes;
  record.steps = result.prepared.steps;
  record.link_bytes = result.prepared.link_bytes;
  record.cpu_bytes = result.prepared.cpu_bytes;
  record.captured = result.prepared.captured;
  record.footprint = result.prepared.footprint;
  record.passes_per_sample = result.prepared.passes_per_sample;
  record.samples = result.samples;
  record.setup_samples = result.setup_samples;
  if (!record.samples.empty()) record.summary = summarize(record.samples);
  record.share_of_link = share_of_link(record, context.calibration);
  record.evidence = result.evidence;
  record.series = result.series;
  record.failure = result.failure;
  record.complete = result.complete();
  return record;
}

std::vector<CaseRecord> make_records(std::span<const CaseResult> results,
                                     const RecordContext& context) {
  std::vector<CaseRecord> records;
  records.reserve(results.size());
  for (const CaseResult& result : results) records.push_back(make_record(result, context));
  return with_model_figures(std::move(records), context.calibration);
}

}  // namespace offload
