// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/probe.hpp"

#include <array>
#include <utility>

#include "bench/platform/numa.hpp"
#include "bench/platform/nvml.hpp"
#include "bench/platform/pci.hpp"
#include "offload/error.hpp"

namespace offload {

std::string no_such_gpu(int index, int count) {
  std::string text = "--gpu " + std::to_string(index) + ": this machine has " +
                     std::to_string(count) + (count == 1 ? " GPU (0" : " GPUs (0");
  if (count > 1) text += "-" + std::to_string(count - 1);
  return text + ")";
}

Platform describe_machine(const std::filesystem::path& root, const SystemFacts& facts,
                          GpuProbe probe, NvmlFacts nvml) {
  Platform platform;
  platform.gpu = std::move(probe.gpu);
  platform.gpu_absent_reason = std::move(probe.absent_reason);
  platform.host = read_host(root, facts);
  if (!platform.gpu) return platform;

  platform.gpu->driver_release =
      nvml.driver_release.empty() ? read_driver_release(root) : nvml.driver_release;
  // The driver's clock of memory that is the CPU's too is another's: by it Orin would
  // have less than half its bandwidth, and GB10 twice as much.
  if (one_memory(platform)) platform.gpu->hbm_peak_bytes_per_second.reset();
  platform.link = decide_link(platform.gpu->memory_model, platform.host.architecture, nvml);
  platform.gpu->settings = std::move(nvml.settings);
  mark_gpu_nodes(platform, read_gpu_numa_nodes(root));
  leave_out_gpu_nodes(platform);
  platform.gpu->pci = read_pci_device(root, platform.gpu->pci_bus_id);
  return platform;
}

Platform probe_platform(int gpu) {
  GpuProbe probe = probe_gpu(gpu);
  if (!probe.gpu && gpu != 0) {
    // 0 is the default, so also of those who want none: they are served without.
    throw UsageError("--gpu " + std::to_string(gpu) + " cannot be used: " + probe.absent_reason);
  }
  NvmlFacts nvml = probe.gpu ? read_nvml(probe.gpu->pci_bus_id) : NvmlFacts{};
  // After the GPU's context exists: its driver allocations no longer count as available.
  return describe_machine("/", system_facts(), std::move(probe), std::move(nvml));
}

namespace {

struct Generation {
  double transfers_per_second;  // per lane
  double payload;               // share of the bits that line coding leaves
};
constexpr std::array<Generation, 6> generations{{{2.5e9, 8.0 / 10},
                                                 {5e9, 8.0 / 10},
                                                 {8e9, 128.0 / 130},
                                                 {16e9, 128.0 / 130},
                                                 {32e9, 128.0 / 130},
                                                 // 256-byte flits: 8 bytes CRC, 6 bytes FEC
                                                 {64e9, 242.0 / 256}}};

Link c2c_link(const NvmlFacts& nvml, std::string reason) {
  Link link;
  link.kind = "nvlink-c2c";
  link.peak_bytes_per_second = nvml.c2c_bytes_per_second;
  link.reason = std::move(reason);
  return link;
}

}  // namespace

std::optional<double> pcie_peak(int generation, int width) {
  if (generation < 1 || generation > static_cast<int>(generations.size())) return std::nullopt;
  if (width != 1 && width != 2 && width != 4 && width != 8 && width != 16) return std::nullopt;
  const auto& entry = generations[static_cast<std::size_t>(generation - 1)];
  return entry.transfers_per_second * entry.payload * width / 8;
}

std::optional<Link> decide_link(const MemoryModel& memory_model, const std::string& architecture,
                                const NvmlFacts& nvml) {
  // GB10 has C2C links between its dies, and one memory behind them.
  if (memory_model.shares_host_memory) return std::nullopt;
  if (nvml.c2c_links.value_or(0) > 0) {
    return c2c_link(nvml, "NVML counts " + std::to_string(*nvml.c2c_links) + " active C2C links");
  }
  if (memory_model.pageable_memory_access_uses_host_page_tables) {
    // POWER9 says the same of its NVLink.
    if (architecture != "aarch64") return std::nullopt;
    return c2c_link(nvml, "the GPU reads pageable memory through the page tables of an Arm host");
  }

  Link link;
  link.kind = "pcie";
  link.reason = "the GPU has page tables of its own and no C2C link";
  // The maximum, not the current state: an idle link is slower than the same link under load.
  link.generation = nvml.pcie_max_generation;
  link.width = nvml.pcie_max_width;
  link.current_generation = nvml.pcie_generation;
  link.current_width = nvml.pcie_width;
  if (link.generation && link.width) {
    link.peak_bytes_per_second = pcie_peak(*link.generation, *link.width);
  }
  return link;
}

}  // namespace offload
