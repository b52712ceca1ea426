// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/probe.hpp"

#include <utility>

#include "bench/platform/gpu.hpp"
#include "bench/platform/host.hpp"
#include "bench/platform/link.hpp"
#include "bench/platform/numa_nodes.hpp"
#include "bench/platform/nvml.hpp"
#include "offload/error.hpp"

namespace offload {

std::string no_such_gpu(int index, int count) {
  std::string text = "--gpu " + std::to_string(index) + ": this machine has " +
                     std::to_string(count) + (count == 1 ? " GPU (0" : " GPUs (0");
  if (count > 1) text += "-" + std::to_string(count - 1);
  return text + ")";
}

Platform probe_platform(int gpu) {
  Platform platform;
  auto probe = probe_gpu(gpu);
  if (!probe.gpu && gpu != 0) {
    // 0 is the default, so also of those who want none: they are served without.
    throw UsageError("--gpu " + std::to_string(gpu) + " cannot be used: " + probe.absent_reason);
  }
  platform.gpu = std::move(probe.gpu);
  platform.gpu_absent_reason = std::move(probe.absent_reason);
  // After the GPU's context exists: its driver allocations no longer count as available.
  platform.host = read_host("/", system_facts());
  if (!platform.gpu) return platform;

  mark_gpu_nodes(platform);
  NvmlFacts nvml = read_nvml(platform.gpu->pci_bus_id);
  platform.gpu->driver_release =
      nvml.driver_release.empty() ? read_driver_release("/") : nvml.driver_release;
  platform.link =
      decide_link(platform.gpu->memory_model, probe.integrated, platform.host.architecture, nvml);
  platform.gpu->settings = std::move(nvml.settings);
  return platform;
}

}  // namespace offload
