// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/case_runner.hpp"

#include <exception>

#include "bench/measure/traffic_count.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// Books the time it lives as evidence, whatever the loop books meanwhile.
class EvidenceTime {
 public:
  explicit EvidenceTime(WallTime& wall) : wall_(wall), before_(wall) {}
  ~EvidenceTime() {
    wall_ = before_;
    wall_.evidence += watch_.seconds();
  }
  EvidenceTime(const EvidenceTime&) = delete;
  EvidenceTime& operator=(const EvidenceTime&) = delete;

 private:
  WallTime& wall_;
  WallTime before_;
  Stopwatch watch_;
};

}  // namespace

void CaseRunner::guarded(CaseResult& result, const std::function<void()>& step) {
  try {
    step();
  } catch (const CudaError& error) {
    result.failure = error.what();
    // Copies from a file that was cut short fail as any call may.
    if (const auto fault = loop_.fault()) result.failure += "; " + *fault;
    if (error.context_dead()) throw;
  } catch (const std::exception& error) {
    result.failure = error.what();
  }
}

CaseResult& CaseRunner::begin(const Case& item) {
  CaseResult& result = results_.emplace_back();
  result.item = &item;
  guarded(result, [&] { result.prepared = loop_.prepare(item); });
  if (!result.failure.empty()) loop_.clear();
  return result;
}

void CaseRunner::take_sample() {
  CaseResult& result = results_.back();
  if (!result.failure.empty()) return;
  guarded(result, [&] {
    result.samples.push_back(loop_.sample());
    if (const auto setup = loop_.setup_seconds()) result.setup_samples.push_back(*setup);
  });
}

void CaseRunner::finish() {
  CaseResult& result = results_.back();
  result.all_samples = true;
  if (!result.failure.empty()) return;
  const bool watched = options_.evidence != EvidenceLevel::none && result.item->undisturbed();
  if (watched) take_evidence(result);
  if (result.failure.empty()) guarded(result, [&] { loop_.verify(); });
  if (result.item->beside.empty() || !result.failure.empty()) return;
  guarded(result, [&] { result.beside = loop_.end_traffic(); });
}

void CaseRunner::take_evidence(CaseResult& result) {
  const EvidenceTime time(wall_);
  const Case& item = *result.item;
  guarded(result, [&] {
    result.evidence = loop_.evidence();
    if (!item.policy->driver_handles_pages) {
      result.evidence.um = Observed<UmTraffic>::zero(
          "the driver neither faults, maps nor migrates pages of this memory while it is read");
    }
    if (options_.passes == 0 || item.start == Start::warm) return;
    result.series = loop_.series(options_.passes);
    result.series->um = {result.evidence.um.state, result.evidence.um.reason, std::nullopt};
  });
}

void CaseRunner::count_traffic(const Catalog& catalog,
                               const std::function<void(const CaseResult&)>& at_case,
                               const std::function<void(const CaseResult&)>& after_case) {
  if (options_.evidence == EvidenceLevel::none) return;
  const EvidenceTime time(wall_);
  const TrafficCount count{loop_, *catalog.workload("stream_read"), results_,
                           [&](CaseResult& result, const TrafficCount::Pass& pass) {
                             at_case(result);
                             guarded(result, pass);
                             after_case(result);
                           }};
  if (options_.evidence == EvidenceLevel::all) {
    count_every_kind(count);
  } else {
    count_every_policy(count);
  }
}

}  // namespace offload
