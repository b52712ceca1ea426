// SPDX-License-Identifier: Apache-2.0
#include "bench/report/findings.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "bench/core/text.hpp"
#include "bench/report/machine_state.hpp"
#include "bench/report/predictions.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

std::optional<Finding> busy_machine(const RunRecord& run) {
  Finding finding{"busy_machine", "", {}};
  HostTime sum;
  for (const CaseRecord& record : run.cases) {
    const auto time = host_time(record.evidence.host);
    if (!time) continue;
    sum += *time;
    if (time->busy()) finding.cases.push_back(record.name);
  }
  const Host& host = run.platform.host;
  const bool loaded = is_loaded(host);
  if (!sum.busy() && !loaded) return std::nullopt;
  std::string text = "busy machine: ";
  if (sum.busy()) text += "while cases were measured " + sum.text();
  if (loaded) text += (sum.busy() ? "; " : "") + load_text(host) + " when the run began";
  finding.text = text +
                 ": what the CPU or the driver takes part in is slower for it; run again "
                 "when the machine is idle";
  return finding;
}

std::optional<Finding> drifting_cases(const RunRecord& run) {
  Finding finding{"drift", "", {}};
  const CaseRecord* worst = nullptr;
  double most = 0;
  for (const CaseRecord& record : run.cases) {
    const auto found = drift(record);
    if (!found) continue;
    finding.cases.push_back(record.name);
    const double ratio = std::max(found->first, found->last) / std::min(found->first, found->last);
    if (ratio <= most) continue;
    most = ratio;
    worst = &record;
  }
  if (worst == nullptr) return std::nullopt;
  finding.text = count(finding.cases.size(), "case") + " of " + std::to_string(run.cases.size()) +
                 (finding.cases.size() == 1 ? " drifts" : " drift") +
                 " by more than 2 % from the first samples to the last, most of all " +
                 worst->name + ": " + drift_text(*worst) +
                 "; a median stands between the two: take more samples, or cool or lock the GPU";
  return finding;
}

std::optional<Finding> unsettled_cases(const RunRecord& run) {
  Finding finding{"unsettled", "", {}};
  std::string first;
  for (const CaseRecord& record : run.cases) {
    if (!record.unsettled) continue;
    finding.cases.push_back(record.name);
    if (first.empty()) first = record.name + " " + unsettled_text(record);
  }
  if (first.empty()) return std::nullopt;
  finding.text = count(finding.cases.size(), "warm case") + " of " +
                 count(run.cases.size(), "case") + " had not settled: " + first +
                 "; such a median is of no state that lasts: see more passes with --passes, or "
                 "weights that fit into GPU memory";
  return finding;
}

std::optional<Finding> throttled_cases(const RunRecord& run) {
  Finding finding{"throttled", "", {}};
  std::set<std::string> reasons;
  std::optional<int> lowest;
  for (const CaseRecord& record : run.cases) {
    const auto& gpu = record.evidence.gpu.value;
    if (!gpu) continue;
    bool forced = false;
    for (const auto* throttled : {&gpu->throttled_before, &gpu->throttled_after}) {
      for (const std::string& reason : forced_reasons(*throttled)) {
        forced = true;
        reasons.insert(reason);
      }
    }
    if (!forced) continue;
    finding.cases.push_back(record.name);
    if (gpu->sm_mhz_after)
      lowest = std::min(lowest.value_or(*gpu->sm_mhz_after), *gpu->sm_mhz_after);
  }
  if (finding.cases.empty()) return std::nullopt;
  finding.text = "the GPU's clocks were held down by " +
                 enumerate({reasons.begin(), reasons.end()}) + " around " +
                 count(finding.cases.size(), "case") + " of " + std::to_string(run.cases.size());
  if (lowest) finding.text += " (SM clock down to " + std::to_string(*lowest) + " MHz)";
  finding.text += ": what computes there is as slow as this card gets when it computes for long";
  return finding;
}

std::optional<Finding> slow_link(const RunRecord& run) {
  if (!is_below_its_best(run.platform, run.calibration)) return std::nullopt;
  return Finding{"slow_link",
                 "the link ran as " + link_text(run.platform, run.calibration) +
                     " while the copy engine was at work: look at the slot, risers and the "
                     "firmware's settings",
                 {}};
}

/// NVML's reading of the link and the rates measured over it contradict each other.
std::optional<Finding> rate_above_link(const RunRecord& run) {
  const Calibration& c = run.calibration;
  const auto peak = negotiated_peak(run.platform, c);
  if (!peak) return std::nullopt;
  double most = 0;
  for (const auto& rate : {c.copy_h2d, c.copy_d2h, c.sm_read_pinned}) {
    most = std::max(most, rate.value_or(0));
  }
  Finding finding{"rate_above_link", "", {}};
  for (const CaseRecord& record : run.cases) {
    if (!record.failure.empty() || !record.summary || record.link_bytes.value_or(0) == 0) continue;
    const auto links = static_cast<double>(std::max<std::size_t>(1, record.members.size()));
    const double rate = static_cast<double>(*record.link_bytes) / links / record.summary->min;
    if (is_above(rate, *peak)) finding.cases.push_back(record.name);
    most = std::max(most, rate);
  }
  if (!is_above(most, *peak)) return std::nullopt;
  finding.text = format_rate(most) + " were measured over a link that is said to be PCIe " +
                 pcie_text(c.link_generation, c.link_width) + ", which carries " +
                 format_rate(*peak) + ": one of the two is wrong";
  return finding;
}

/// Either the prediction leaves something out, or something held the case up or helped it.
std::optional<Finding> unpredicted(const RunRecord& run) {
  Finding finding{"prediction", "", {}};
  std::size_t predicted = 0;
  const CaseRecord* worst = nullptr;
  for (const CaseRecord& record : run.cases) {
    if (!prediction_error(record)) continue;
    ++predicted;
    if (is_as_predicted(record)) continue;
    finding.cases.push_back(record.name);
    if (worst == nullptr || *prediction_error(record) > *prediction_error(*worst)) worst = &record;
  }
  if (worst == nullptr) return std::nullopt;
  finding.text = count(finding.cases.size(), "case") + " of " + std::to_string(predicted) +
                 (finding.cases.size() == 1 ? " lies" : " lie") +
                 " outside what was predicted, most of all " + worst->name + ": " +
                 seconds_text(*worst, worst->summary->median) + " where " +
                 format_seconds(worst->predicted->least) + " to " +
                 format_seconds(worst->predicted->most) + " was expected";
  return finding;
}

}  // namespace

std::vector<Finding> findings(const RunRecord& run) {
  std::vector<Finding> found;
  for (auto* const check : {busy_machine, slow_link, rate_above_link, throttled_cases,
                            drifting_cases, unsettled_cases, unpredicted}) {
    if (auto finding = check(run)) found.push_back(std::move(*finding));
  }
  return found;
}

}  // namespace offload
