// SPDX-License-Identifier: Apache-2.0
#include "bench/report/machine_state.hpp"

#include <algorithm>
#include <iterator>

#include "bench/core/text.hpp"
#include "bench/platform/probe.hpp"

namespace offload {
namespace {

constexpr double most_steal = 0.02;   // of the CPU time
constexpr double most_others = 0.10;  // likewise
constexpr double most_load = 0.5;     // threads per CPU before the run began
constexpr double peak_margin = 1.01;  // covers the clock

bool is_forced(std::string_view reason) {
  return reason != "application clocks" && reason != "display clocks" && reason != "sync boost";
}

bool is_pcie(const Platform& platform) { return platform.link && platform.link->kind == "pcie"; }

}  // namespace

bool HostTime::busy() const { return steal > most_steal * all || others > most_others * all; }

HostTime& HostTime::operator+=(const HostTime& more) {
  all += more.all;
  steal += more.steal;
  others += more.others;
  return *this;
}

std::string HostTime::text() const {
  return "other processes took " + percent(others / all) + " of the CPU time and the hypervisor " +
         percent(steal / all) + " (steal)";
}

std::optional<HostTime> host_time(const Observed<HostState>& host) {
  if (!host.value || !host.value->steal_seconds || !host.value->others_seconds) {
    return std::nullopt;
  }
  return HostTime{host.value->seconds * static_cast<double>(host.value->cpus),
                  *host.value->steal_seconds, *host.value->others_seconds};
}

bool is_loaded(const Host& host) {
  return host.load_average.value_or(0) > most_load * host.logical_cpus;
}

std::string load_text(const Host& host) {
  return "a load of " + three_digits(host.load_average.value_or(0)) + " on " +
         count(static_cast<std::size_t>(host.logical_cpus), "CPU");
}

std::vector<std::string> forced_reasons(const std::optional<std::vector<std::string>>& reasons) {
  std::vector<std::string> forced;
  if (reasons) std::ranges::copy_if(*reasons, std::back_inserter(forced), is_forced);
  return forced;
}

std::string pcie_text(std::optional<int> generation, std::optional<int> width) {
  std::string text;
  if (generation) text += std::to_string(*generation) + ".0";
  if (width) text += (text.empty() ? "x" : " x") + std::to_string(*width);
  return text;
}

bool is_below_its_best(const Platform& platform, const Calibration& calibration) {
  const auto& generation = calibration.link_generation;
  const auto& width = calibration.link_width;
  if (!is_pcie(platform) || !generation || !width) return false;
  const Link& best = *platform.link;
  return best.generation && best.width && (*generation < *best.generation || *width < *best.width);
}

std::optional<double> negotiated_peak(const Platform& platform, const Calibration& calibration) {
  if (!is_pcie(platform) || !calibration.link_generation || !calibration.link_width) {
    return std::nullopt;
  }
  return pcie_peak(*calibration.link_generation, *calibration.link_width);
}

bool is_above(double rate, double peak) { return rate > peak_margin * peak; }

std::string link_text(const Platform& platform, const Calibration& calibration) {
  const auto& link = platform.link;
  if (!link) return "";
  if (link->kind != "pcie") return link->kind;
  const std::string best = pcie_text(link->generation, link->width);
  if (!is_below_its_best(platform, calibration)) return best.empty() ? "PCIe" : "PCIe " + best;
  return "PCIe " + pcie_text(calibration.link_generation, calibration.link_width) +
         " (GPU and slot can " + best + ')';
}

}  // namespace offload
