// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/gpu_counters.hpp"

#include <utility>

namespace offload {
namespace {

// Numbers of nvml.h.
constexpr unsigned int pcie_tx_bytes = 197;  // the GPU sends
constexpr unsigned int pcie_rx_bytes = 198;  // the GPU receives
constexpr unsigned int clock_sm = 1;
constexpr unsigned int clock_memory = 2;

constexpr double request_bytes = 24;
constexpr double completion_overhead = 20;
// Of payload: the driver copies in larger ones.
constexpr double smallest_completion = 128;
// What the driver itself reads meanwhile (commands, page tables) may be as much as this.
constexpr double aside_bytes = 1e6;

}  // namespace

GpuCounters::GpuCounters(const std::string& pci_bus_id) {
  if (pci_bus_id.empty()) {
    reason_ = "no GPU";
  } else if (!library_.ready()) {
    reason_ = "libnvidia-ml.so.1 (NVML) cannot be opened";
  } else {
    device_ = library_.device(pci_bus_id);
    if (device_ == nullptr) reason_ = "NVML does not know the GPU at " + pci_bus_id;
  }
}

std::optional<GpuCounters::Wire> GpuCounters::wire() const {
  if (!available()) return std::nullopt;
  const auto received = library_.field(device_, pcie_rx_bytes);
  const auto sent = library_.field(device_, pcie_tx_bytes);
  if (!received || !sent) return std::nullopt;
  return Wire{static_cast<std::uint32_t>(*received), static_cast<std::uint32_t>(*sent)};
}

std::optional<double> GpuCounters::joules() const {
  if (!available()) return std::nullopt;
  const auto get = library_.function<int(nvml::Device, unsigned long long*)>(
      "nvmlDeviceGetTotalEnergyConsumption");
  unsigned long long millijoules = 0;
  if (get == nullptr || get(device_, &millijoules) != nvml::success) return std::nullopt;
  return 1e-3 * static_cast<double>(millijoules);
}

void GpuCounters::note_before(GpuState& state) const {
  if (!available()) return;
  state.sm_mhz_before = clock(clock_sm);
  state.throttled_before = throttle_reasons();
}

void GpuCounters::note_after(GpuState& state) const {
  if (!available()) return;
  state.pcie_generation = library_.number("nvmlDeviceGetCurrPcieLinkGeneration", device_);
  state.pcie_width = library_.number("nvmlDeviceGetCurrPcieLinkWidth", device_);
  if (const auto links = library_.active_c2c_links(device_)) {
    state.c2c_links = static_cast<int>(links->size());
  }
  state.sm_mhz_after = clock(clock_sm);
  state.memory_mhz_after = clock(clock_memory);
  state.throttled_after = throttle_reasons();
}

std::optional<int> GpuCounters::clock(unsigned int kind) const {
  const auto get =
      library_.function<int(nvml::Device, unsigned int, unsigned int*)>("nvmlDeviceGetClockInfo");
  unsigned int mhz = 0;
  if (get == nullptr || get(device_, kind, &mhz) != nvml::success) return std::nullopt;
  return static_cast<int>(mhz);
}

std::optional<std::vector<std::string>> GpuCounters::throttle_reasons() const {
  using Get = int(nvml::Device, unsigned long long*);
  // The name before driver 535.
  auto* get = library_.function<Get>("nvmlDeviceGetCurrentClocksEventReasons");
  if (get == nullptr) get = library_.function<Get>("nvmlDeviceGetCurrentClocksThrottleReasons");
  unsigned long long reasons = 0;
  if (get == nullptr || get(device_, &reasons) != nvml::success) return std::nullopt;
  return throttle_words(reasons);
}

LinkTraffic link_traffic(const GpuCounters::Wire& before, const GpuCounters::Wire& after,
                         bool gpu_only_reads) {
  // Unsigned differences are right across one wrap.
  LinkTraffic traffic;
  traffic.wire_to_device = static_cast<std::uint32_t>(after.to_device - before.to_device);
  traffic.wire_to_host = static_cast<std::uint32_t>(after.to_host - before.to_host);
  if (gpu_only_reads) {
    const double requests = traffic.wire_to_host / request_bytes;
    traffic.payload_to_device = traffic.wire_to_device - completion_overhead * requests;
  }
  return traffic;
}

bool lost_records(std::size_t moved, double wire_to_device) {
  constexpr double payload = smallest_completion / (smallest_completion + completion_overhead);
  return static_cast<double>(moved) < payload * wire_to_device - aside_bytes;
}

}  // namespace offload
