// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/platform/probe.hpp"
#include "bench/report/doctor_checks.hpp"
#include "bench/report/doctor_published.hpp"
#include "bench/report/machine_state.hpp"

namespace offload::doctor {
namespace {

/// Shares of a link's rate after line coding that copies of pinned memory reach on machines that
/// nothing is wrong with.
struct Reached {
  double least = 0;
  double most = 0;
};

// Of cards without a profile. Copies to the GPU and to the host, GB/s of GB/s. Published with
// nvbandwidth unless said otherwise:
//   PCIe 5.0 x16 (63.0): H200 55.5 and 55.3 (results/h200-sxm-pcie5), H100 55.3, others 53.6..57.4
//   PCIe 4.0 x16 (31.5): A100 26.0, A10 25.2, RTX 4090 23.9..27.1, RTX 3060 24; x8 (15.8): 14.2
//   PCIe 3.0 x16 (15.8): V100 12.4 (gpu-benches), P100 12.2 (gearshifft), 2080 Ti 11.3 (PocketLLM)
// Nothing is published of 6.0.
struct OfGeneration {
  int generation;
  Reached reached;
};
constexpr std::array<OfGeneration, 3> pcie_reached{
    {{3, {0.71, 0.79}}, {4, {0.75, 0.90}}, {5, {0.85, 0.91}}}};

// A copy that is slower than the slowest of those by more than this is looked at: hosts of one
// generation differ by more than machines of one kind do.
constexpr double margin = 0.07;
// Reads by SMs, of copies in the same run: H200 0.93, A10 1.00, GH200 0.99; some H100, H800 and H20
// 0.63..0.68, for a reason that nobody has published.
constexpr double least_of_copies = 0.75;
// Dependent reads over PCI Express: H200 1.19..1.21 us (nvbandwidth, results/h200-sxm-pcie5), an
// H100 behind a switch 1.4 us (nvbandwidth). Half as long again is looked at: on GH200 memory of
// another CPU takes 1.6 times as long.
constexpr double slow_pcie_latency = 2.1e-6;
// One thread stages copies of pageable memory: H200 6.6..8.5 GB/s (results/h200-sxm-pcie5), others
// about 8. Half of that is a slow thread, unless the link is no faster.
constexpr double slow_staging = 3.3e9;
constexpr double staging_share = 0.5;

const char* const slow_advice =
    "look at gpu_link, numa_node, load and iommu, and at what else uses the GPU";

struct Ability {
  std::optional<int> generation, width;
};

bool is_less(std::optional<int> one, std::optional<int> other) {
  return one && other && *one < *other;
}
bool is_less(const Ability& one, const Ability& other) {
  return is_less(one.generation, other.generation) || is_less(one.width, other.width);
}
std::optional<int> lesser(std::optional<int> one, std::optional<int> other) {
  if (!one || !other) return one ? one : other;
  return std::min(*one, *other);
}
std::optional<int> greater(std::optional<int> one, std::optional<int> other) {
  if (!one || !other) return one ? one : other;
  return std::max(*one, *other);
}

/// ": it carries 7.88 GB/s instead of 63.0 GB/s, 12 %"
std::string share_text(const Ability& now, const Ability& best) {
  if (!now.generation || !now.width || !best.generation || !best.width) return "";
  const auto peak = pcie_peak(*now.generation, *now.width);
  const auto could = pcie_peak(*best.generation, *best.width);
  if (!peak || !could) return "";
  return ": it carries " + format_rate(*peak) + " instead of " + format_rate(*could) + ", " +
         percent(*peak / *could);
}

std::string slot_advice(const Ability& now, const Ability& gpu, const PciDevice& pci) {
  const Ability slot{pci.port_generation, pci.port_width};
  if (!slot.generation || !slot.width) {
    return "move the card to a faster slot; look at risers, and for link speed and bifurcation in "
           "the firmware's settings (BIOS)";
  }
  const std::string can = "the slot can " + pcie_text(slot.generation, slot.width);
  const Ability together{lesser(slot.generation, gpu.generation), lesser(slot.width, gpu.width)};
  if (!is_less(now, together)) return can + " at most: move the card to a faster one";
  return can +
         ": seat the card again, try without riser or cable, and look for link speed and "
         "bifurcation in the firmware's settings (BIOS)";
}

double fastest(const Calibration& c) {
  double most = 0;
  for (const auto& rate : {c.copy_h2d, c.copy_d2h, c.sm_read_pinned}) {
    most = std::max(most, rate.value_or(0));
  }
  return most;
}

Check pcie_check(const Examination& found) {
  constexpr const char* name = "gpu_link";
  const Calibration& c = found.calibration;
  const Link& link = *found.platform.link;
  const PciDevice& pci = found.platform.gpu->pci;
  const Ability now{c.link_generation, c.link_width};
  if (!now.generation || !now.width) {
    return unknown(name, "NVML does not say what is negotiated under load");
  }
  const std::string text = "PCIe " + pcie_text(now.generation, now.width) + " under load";
  const auto peak = negotiated_peak(found.platform, c);
  if (peak && is_above(fastest(c), *peak)) {
    return unknown(name, "NVML says " + text + ", which carries " + format_rate(*peak) + ", yet " +
                             format_rate(fastest(c)) + " were measured");
  }
  // NVML's maximum is that of GPU and slot together; the kernel says what the GPU alone can.
  const Ability gpu{greater(pci.generation, link.generation), greater(pci.width, link.width)};
  if (is_less(now, gpu)) {
    return look(
        name,
        text + ", of a GPU that can " + pcie_text(gpu.generation, gpu.width) + share_text(now, gpu),
        slot_advice(now, gpu, pci));
  }
  if (!gpu.generation || !gpu.width) {
    return unknown(name, text + "; what the GPU can is not known: " +
                             reason_of(pci.unknown, pci.generation ? "width" : "generation"));
  }
  if (!pci.generation || !pci.width) return ok(name, text + ", the most that GPU and slot can");
  return ok(name, text + ", the most that the GPU can");
}

bool is_one_memory(const Examination& found) {
  return memory_mode(found.platform.gpu->memory_model) == MemoryMode::one_memory;
}

Check link_check(const Examination& found) {
  const auto& link = found.platform.link;
  if (!link) {
    if (is_one_memory(found)) return ok("gpu_link", std::string(words(MemoryMode::one_memory)));
    return unknown("gpu_link", "no link between host memory and this GPU was recognised");
  }
  if (link->kind == "pcie") return pcie_check(found);
  std::string text = link->kind;
  if (link->peak_bytes_per_second) text += ", " + format_rate(*link->peak_bytes_per_second);
  return ok("gpu_link", text + ": " + link->reason);
}

std::optional<double> carried(const Examination& found) {
  const auto& link = found.platform.link;
  if (!link) return std::nullopt;
  const auto peak = negotiated_peak(found.platform, found.calibration);
  return peak ? peak : link->peak_bytes_per_second;
}

std::optional<Reached> reached(const Examination& found) {
  const auto& link = found.platform.link;
  if (!link || link->kind != "pcie") return std::nullopt;
  const auto& now = found.calibration.link_generation;
  // Older ones as the oldest that something is published of.
  const int generation = std::max(3, (now ? now : link->generation).value_or(0));
  for (const OfGeneration& entry : pcie_reached) {
    if (entry.generation == generation) return entry.reached;
  }
  return std::nullopt;
}

/// A figure of the link, and what it is held against.
struct OfLink {
  const Examination& found;
  const MaybePublished& machine;

  std::optional<Comparison> comparison(std::string_view rate, double value) const {
    return compare(machine, rate, value);
  }
  std::vector<std::string> causes() const { return causes_of_link(found, machine); }
};

Check no_link(const char* name, const std::string& text) {
  return unknown(name, text + "; CPU and GPU share one memory, and nothing crosses a link");
}

Check copy_check(const OfLink& link, const char* name, std::string_view rate_name,
                 const std::optional<double>& rate) {
  if (!rate) return unknown(name, not_measured(link.found));
  const std::string text = format_rate(*rate);
  if (is_one_memory(link.found)) return no_link(name, text);
  const auto most = carried(link.found);
  if (!most) return unknown(name, text + "; what the link carries is not known");
  const double share = *rate / *most;
  const std::string of_link =
      text + ", " + percent(share) + " of the " + format_rate(*most) + " that the link carries";
  if (is_above(*rate, *most)) return unknown(name, of_link + ": one of the two is wrong");
  if (const auto comparison = link.comparison(rate_name, *rate)) {
    return compared(name, of_link, *comparison, link.causes(), slow_advice);
  }
  const auto others = reached(link.found);
  if (!others) return unknown(name, of_link + "; what others reach on such a link is not known");
  const std::string what =
      of_link + " (others reach " + percent(others->least) + " to " + percent(others->most) + ")";
  if (share >= (1 - margin) * others->least) return ok(name, what);
  return slow(name, what, link.causes(), slow_advice);
}

/// A copy engine can be slower than the link that it uses: then kernels write faster.
Check home_check(const OfLink& link) {
  const Calibration& c = link.found.calibration;
  Check check = copy_check(link, "copies_to_host", "copy_d2h_bytes_per_second", c.copy_d2h);
  if (c.copy_d2h && c.sm_write_pinned) {
    check.what += "; SMs write " + format_rate(*c.sm_write_pinned);
  }
  return check;
}

Check zero_copy_check(const OfLink& link) {
  constexpr const char* name = "zero_copy_reads";
  const auto& rate = link.found.calibration.sm_read_pinned;
  const auto& copies = link.found.calibration.copy_h2d;
  if (!rate || !copies) return unknown(name, not_measured(link.found));
  if (is_one_memory(link.found)) return no_link(name, format_rate(*rate));
  const std::string text =
      format_rate(*rate) + " by SMs, " + percent(*rate / *copies) + " of copies";
  const auto comparison = link.comparison("sm_read_pinned_bytes_per_second", *rate);
  Check check = comparison ? compared(name, text, *comparison, link.causes(), slow_advice)
                           : ok(name, text + " (others reach 93 % to 100 %)");
  if (check.verdict == Verdict::look_here || *rate >= least_of_copies * *copies) return check;
  check.verdict = Verdict::look_here;
  check.advice =
      "seen on some H100 and H800 at 63 % to 68 %, cause unknown: let engines copy instead of "
      "reading in place (vLLM --offload-backend prefetch)";
  return check;
}

Check latency_check(const OfLink& link) {
  constexpr const char* name = "link_latency";
  const auto& latency = link.found.calibration.link_latency;
  if (!latency) return unknown(name, not_measured(link.found));
  const std::string text = format_seconds(*latency) + " for a dependent read of pinned memory";
  if (is_one_memory(link.found)) return no_link(name, text);
  if (const auto comparison = link.comparison("link_latency_s", *latency)) {
    return compared(name, text, *comparison, link.causes(), slow_advice);
  }
  const auto& kind = link.found.platform.link;
  if (!kind || kind->kind != "pcie") {
    return unknown(name, text + "; what others reach on such a link is not known");
  }
  const std::string what = text + " (others take 1.19 us to 1.40 us)";
  if (*latency <= slow_pcie_latency) return ok(name, what);
  return slow(name, what, link.causes(), slow_advice);
}

Check pageable_check(const Examination& found) {
  constexpr const char* name = "pageable_copies";
  const auto& rate = found.calibration.copy_pageable;
  const auto& pinned = found.calibration.copy_h2d;
  if (!rate || !pinned) return unknown(name, not_measured(found));
  const std::string text = format_rate(*rate) + ", pinned memory is " + times(*pinned / *rate) +
                           " as fast: see that engines pin weights";
  if (*rate >= std::min(slow_staging, staging_share * *pinned)) return ok(name, text);
  return look(name, text,
              "the CPU's one thread that stages them is slow: look at load, cpu_governor and "
              "numa_node");
}

}  // namespace

Checks link_checks(const Examination& found, const MaybePublished& machine) {
  const Calibration& c = found.calibration;
  const OfLink link{found, machine};
  return {link_check(found),
          copy_check(link, "copies_to_gpu", "copy_h2d_bytes_per_second", c.copy_h2d),
          home_check(link),
          zero_copy_check(link),
          latency_check(link),
          pageable_check(found)};
}

}  // namespace offload::doctor
