// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/probe.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"
#include "bench/platform/numa.hpp"
#include "bench/platform/nvml.hpp"
#include "bench/platform/pci.hpp"
#include "offload/cuda/peer.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {

std::string no_such_gpu(const std::string& flag, int count) {
  std::string text =
      flag + ": this machine has " + std::to_string(count) + (count == 1 ? " GPU (0" : " GPUs (0");
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

namespace {

/// The next GPU first, so that of two each serves the other.
std::vector<Peer> find_peers(int gpu, int count) {
  std::vector<Peer> peers;
  for (int i = 1; i < count; ++i) {
    const int other = (gpu + i) % count;
    peers.push_back({other, cuda::can_access_peer(gpu, other)});
  }
  return peers;
}

}  // namespace

Platform probe_platform(int gpu) {
  GpuProbe probe = probe_gpu(gpu);
  if (!probe.gpu && gpu != 0) {
    // 0 is the default, so also of those who want none: they are served without.
    throw UsageError("--gpu " + std::to_string(gpu) + " cannot be used: " + probe.absent_reason);
  }
  NvmlFacts nvml = probe.gpu ? read_nvml(probe.gpu->pci_bus_id) : NvmlFacts{};
  // After the GPU's context exists: its driver allocations no longer count as available.
  Platform platform = describe_machine("/", system_facts(), std::move(probe), std::move(nvml));
  if (platform.gpu) platform.peers = find_peers(platform.gpu->index, cuda::device_count());
  return platform;
}

std::vector<int> gpu_numbers(const std::vector<std::string>& gpus, int count) {
  std::vector<int> numbers;
  for (const std::string& given : gpus) {
    if (given == "all") {
      if (gpus.size() > 1) throw UsageError("--gpus: all stands alone");
      for (int i = 0; i < count; ++i) numbers.push_back(i);
      continue;
    }
    const auto number = parse_number<int>(given);
    if (!number || *number < 0 || *number >= count) {
      throw UsageError(no_such_gpu("--gpus " + given, count));
    }
    if (std::ranges::find(numbers, *number) != numbers.end()) {
      throw UsageError("--gpus: GPU " + given + " is named twice");
    }
    numbers.push_back(*number);
  }
  return numbers;
}

void require_alike(const std::vector<Platform>& machines) {
  const Gpu& first = *machines.front().gpu;
  for (const Platform& machine : machines) {
    const Gpu& gpu = *machine.gpu;
    const bool same_part = gpu.name == first.name && gpu.sm_count == first.sm_count &&
                           gpu.compute_major == first.compute_major &&
                           gpu.compute_minor == first.compute_minor;
    const auto [less, more] = std::minmax(gpu.memory_bytes, first.memory_bytes);
    const bool same_memory = less >= more - more / 50;  // pages that were retired aside
    const bool same_mode = memory_mode(gpu.memory_model) == memory_mode(first.memory_model);
    if (same_part && same_memory && same_mode) continue;
    throw UsageError("--gpus: GPU " + std::to_string(gpu.index) + " (" + gpu.name + ", " +
                     format_size_rounded(gpu.memory_bytes) + ") is not like GPU " +
                     std::to_string(first.index) + " (" + first.name + ", " +
                     format_size_rounded(first.memory_bytes) +
                     "): measure each by itself, with --gpu");
  }
}

std::vector<Platform> probe_platforms(const std::vector<std::string>& gpus) {
  if (const auto reason = cuda::unavailable(0)) {
    throw UsageError("--gpus " + gpus.front() + " cannot be used: " + *reason);
  }
  std::vector<Platform> machines;
  for (const int number : gpu_numbers(gpus, cuda::device_count())) {
    machines.push_back(probe_platform(number));
    if (!machines.back().gpu) {
      throw UsageError("--gpus " + std::to_string(number) +
                       " cannot be used: " + machines.back().gpu_absent_reason);
    }
  }
  require_alike(machines);
  cuda::set_device(machines.front().gpu->index);
  return machines;
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
