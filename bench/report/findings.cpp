// SPDX-License-Identifier: Apache-2.0
#include "bench/report/findings.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "bench/core/text.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/variability.hpp"

namespace offload {
namespace {

constexpr double most_steal = 0.02;   // of the CPU time
constexpr double most_others = 0.10;  // likewise
constexpr double most_load = 0.5;     // threads per CPU before the run began
constexpr double peak_margin = 1.01;  // covers the clock

/// CPU time while cases were sampled, all of them together or one alone.
struct HostTime {
  double all = 0;
  double steal = 0;
  double others = 0;

  bool busy() const { return steal > most_steal * all || others > most_others * all; }
};

std::optional<HostTime> host_time(const CaseRecord& record) {
  const auto& host = record.evidence.host.value;
  if (!host || !host->steal_seconds || !host->others_seconds) return std::nullopt;
  return HostTime{host->seconds * static_cast<double>(host->cpus), *host->steal_seconds,
                  *host->others_seconds};
}

std::optional<Finding> busy_machine(const RunRecord& run) {
  Finding finding{"busy_machine", "", {}};
  HostTime sum;
  for (const CaseRecord& record : run.cases) {
    const auto time = host_time(record);
    if (!time) continue;
    sum.all += time->all;
    sum.steal += time->steal;
    sum.others += time->others;
    if (time->busy()) finding.cases.push_back(record.name);
  }
  const Host& host = run.platform.host;
  const double load = host.load_average.value_or(0);
  const bool loaded = load > most_load * host.logical_cpus;
  if (!sum.busy() && !loaded) return std::nullopt;
  std::string text = "busy machine: ";
  if (sum.busy()) {
    text += "while cases were measured other processes took " + percent(sum.others / sum.all) +
            " of its CPU time and the hypervisor " + percent(sum.steal / sum.all) + " (steal)";
  }
  if (loaded) {
    text += (sum.busy() ? "; " : "") + std::string("a load of ") + three_digits(load) + " on " +
            count(static_cast<std::size_t>(host.logical_cpus), "CPU") + " when the run began";
  }
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

/// Reasons that something forces on the clocks; application clocks are chosen.
bool is_forced(std::string_view reason) {
  return reason != "application clocks" && reason != "display clocks" && reason != "sync boost";
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
      if (!*throttled) continue;
      for (const std::string& reason : **throttled) {
        if (!is_forced(reason)) continue;
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

/// "4.0 x8"
std::string pcie_text(std::optional<int> generation, std::optional<int> width) {
  std::string text;
  if (generation) text += std::to_string(*generation) + ".0";
  if (width) text += (text.empty() ? "x" : " x") + std::to_string(*width);
  return text;
}

bool below_its_best(const RunRecord& run) {
  const auto& link = run.platform.link;
  const Calibration& now = run.calibration;
  return link && link->kind == "pcie" && now.link_generation && now.link_width &&
         link->generation && link->width &&
         (*now.link_generation < *link->generation || *now.link_width < *link->width);
}

std::optional<Finding> slow_link(const RunRecord& run) {
  if (!below_its_best(run)) return std::nullopt;
  return Finding{"slow_link",
                 "the link ran as " + link_text(run) +
                     " while the copy engine was at work: look at the slot, risers and the "
                     "firmware's settings",
                 {}};
}

/// NVML's reading of the link and the rates measured over it contradict each other.
std::optional<Finding> rate_above_link(const RunRecord& run) {
  const Calibration& c = run.calibration;
  if (!run.platform.link || run.platform.link->kind != "pcie" || !c.link_generation ||
      !c.link_width) {
    return std::nullopt;
  }
  const auto peak = pcie_peak(*c.link_generation, *c.link_width);
  if (!peak) return std::nullopt;
  double most = 0;
  for (const auto& rate : {c.copy_h2d, c.copy_d2h, c.sm_read_pinned}) {
    most = std::max(most, rate.value_or(0));
  }
  Finding finding{"rate_above_link", "", {}};
  for (const CaseRecord& record : run.cases) {
    if (!record.failure.empty() || !record.summary || record.link_bytes.value_or(0) == 0) continue;
    const double rate = static_cast<double>(*record.link_bytes) / record.summary->min;
    if (rate > peak_margin * *peak) finding.cases.push_back(record.name);
    most = std::max(most, rate);
  }
  if (most <= peak_margin * *peak) return std::nullopt;
  finding.text = format_rate(most) + " were measured over a link that is said to be PCIe " +
                 pcie_text(c.link_generation, c.link_width) + ", which carries " +
                 format_rate(*peak) + ": one of the two is wrong";
  return finding;
}

}  // namespace

std::string link_text(const RunRecord& run) {
  const auto& link = run.platform.link;
  if (!link) return "";
  if (link->kind != "pcie") return link->kind;
  const std::string best = pcie_text(link->generation, link->width);
  if (!below_its_best(run)) return best.empty() ? "PCIe" : "PCIe " + best;
  return "PCIe " + pcie_text(run.calibration.link_generation, run.calibration.link_width) +
         " (GPU and slot can " + best + ')';
}

std::vector<Finding> findings(const RunRecord& run) {
  std::vector<Finding> found;
  for (auto* const check :
       {busy_machine, slow_link, rate_above_link, throttled_cases, drifting_cases}) {
    if (auto finding = check(run)) found.push_back(std::move(*finding));
  }
  return found;
}

}  // namespace offload
