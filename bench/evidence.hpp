// SPDX-License-Identifier: Apache-2.0
// What the driver and the hardware did during a case, as plain data: why a policy is fast or slow.
// Taken in passes of their own, never in timed ones. Figures are of one pass unless said otherwise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offload {

enum class EvidenceState : std::uint8_t { measured, zero_by_design, unavailable };
constexpr std::string_view name(EvidenceState state) {
  if (state == EvidenceState::measured) return "measured";
  return state == EvidenceState::zero_by_design ? "zero by design" : "unavailable";
}

/// What one collector has to say: figures, a zero that follows from how the policy works, or why
/// there is nothing. Never a silent 0.
template <typename T>
struct Observed {
  EvidenceState state = EvidenceState::unavailable;
  std::string reason = "not collected";   // of a zero by design, or of being unavailable
  std::optional<T> value = std::nullopt;  // when measured

  static Observed measured(T value) { return {EvidenceState::measured, "", std::move(value)}; }
  static Observed zero(std::string why) { return {EvidenceState::zero_by_design, std::move(why)}; }
  static Observed unavailable(std::string why) {
    return {EvidenceState::unavailable, std::move(why)};
  }
};

/// Bytes by what made the driver move them (CUPTI's migration causes).
struct BytesByCause {
  std::size_t fault = 0;            // pages touched while they were elsewhere
  std::size_t around_fault = 0;     // what the driver added to them by its own guess
  std::size_t prefetch = 0;         // cudaMemPrefetchAsync
  std::size_t eviction = 0;         // to make room on the GPU
  std::size_t access_counters = 0;  // pages that the GPU had read often over the link
  std::size_t other = 0;

  std::size_t total() const {
    return fault + around_fault + prefetch + eviction + access_counters + other;
  }
  BytesByCause& operator+=(const BytesByCause& more);
};

/// Unified-memory traffic, by CUPTI's counters.
struct UmTraffic {
  BytesByCause to_device;
  BytesByCause to_host;
  std::size_t gpu_fault_groups = 0;  // faults on one page at a time, not single accesses
  std::size_t cpu_faults = 0;
  std::size_t remote_maps = 0;  // regions mapped to be read over the link
  std::size_t thrashing = 0;
  std::size_t throttling = 0;
  std::size_t bytes_read = 0;  // of the weights, by the counted pass: it may have read a part

  UmTraffic& operator+=(const UmTraffic& more);
};

/// CPU time in seconds.
struct CpuTime {
  double process = 0;  // user and system time of this process, waiting for the GPU included
  std::optional<double> driver;  // its kernel threads, all together; nullopt where none is visible
  std::vector<std::pair<std::string, double>> threads;  // those that ran: "UVM GPU1 BH"
};

/// What PCI Express carried, by NVML's byte counters: whole packets on the wire, and the payload
/// that the packets to the GPU leave when their headers are taken off.
struct LinkTraffic {
  double wire_to_device = 0;
  double wire_to_host = 0;
  std::optional<double>
      payload_to_device;  // where headers can be counted: PCIe, nothing written back
};

struct Energy {
  double joules = 0;   // of the whole GPU, idle power included
  double watts = 0;    // over the stretch
  double seconds = 0;  // of consecutive passes, over which the counter was read
};

/// Page faults of this process.
struct PageFaults {
  double minor = 0;
  double major = 0;
};

/// Where the pages of the weights were after a pass, by move_pages over an even sample of them.
struct Residency {
  std::size_t pages_asked = 0;
  std::size_t not_on_cpu = 0;                        // moved to the GPU: not mapped, or on its node
  std::optional<std::size_t> not_on_cpu_before;      // the first sample, of a warm case
  std::vector<std::pair<int, std::size_t>> on_node;  // host NUMA node, pages
  /// "gpu", "cpu" or "mixed", by cudaMemRangeAttributeLastPrefetchLocation; "" when none was.
  std::string last_prefetch;
};

/// The GPU's state right before the first sample and right after the last, by NVML.
struct GpuState {
  std::optional<int> sm_mhz_before, sm_mhz_after;
  std::optional<int> memory_mhz_before, memory_mhz_after;
  std::optional<std::vector<std::string>> throttled_before, throttled_after;  // reasons in force
  std::optional<int> pcie_generation, pcie_width;  // right after a pass: under load
  std::optional<int> c2c_links;                    // active
};

/// What else the host did from right before the first sample to right after the last, by /proc.
/// CPU time is that of the CPUs this process may run on, in seconds.
struct HostState {
  double seconds = 0;  // that the samples and what is between them took
  std::size_t cpus = 0;
  std::optional<double> steal_seconds;   // that the hypervisor gave to others
  std::optional<double> others_seconds;  // that other processes ran
  std::optional<double> load_average;    // of the last minute, this process included
  std::optional<double> cpu_mhz;         // mean of those CPUs, after the samples
};

struct Evidence {
  Observed<UmTraffic> um;
  Observed<CpuTime> cpu;
  Observed<LinkTraffic> link;
  Observed<Energy> energy;
  Observed<PageFaults> page_faults;
  Observed<Residency> residency;
  Observed<GpuState> gpu;
  Observed<HostState> host;
  std::size_t passes = 0;  // that cpu, link, energy and page faults are averaged over
};

/// Passes one after the other from the case's start, without a reset in between: does anything
/// adapt?
struct PassSeries {
  std::vector<double> seconds;              // of each pass, nothing counted
  std::vector<double> driver_seconds;       // CPU time of the driver's threads; empty: not visible
  std::vector<std::size_t> distinct_bytes;  // read by the pass and by none before it
  std::vector<double> on_gpu;  // share of the pages behind each pass; empty: not to be found out
  Observed<std::vector<UmTraffic>> um;  // of the same passes again, counted
};

}  // namespace offload
