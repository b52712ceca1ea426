// SPDX-License-Identifier: Apache-2.0
// Why a figure is slow, as far as the machine shows it. scripts/offload_results/causes.py says the
// same of results; a test compares the two.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/report/doctor_published.hpp"
#include "bench/report/machine_state.hpp"

namespace offload::doctor {
namespace {

std::string remote_node(const Host& host, const Gpu& gpu) {
  const auto node = node_of(gpu);
  if (!node) return "";
  if (const auto& bound = host.bound_node) {
    if (*bound == *node) return "";
    return "--host-numa took host memory from node " + std::to_string(*bound) +
           ", and the GPU is at node " + std::to_string(*node);
  }
  const auto& allowed = host.settings.memory_nodes;
  if (!allowed || std::ranges::find(*allowed, *node) != allowed->end()) return "";
  return "no memory could be had of node " + std::to_string(*node) + ", where the GPU is";
}

std::string narrow_link(const Examination& found, const MaybePublished& machine) {
  const auto& link = found.platform.link;
  if (!link || !machine) return "";
  const Calibration& c = found.calibration;
  const auto generation = c.link_generation ? c.link_generation : link->generation;
  const auto width = c.link_width ? c.link_width : link->width;
  if (!generation || !width || !machine->generation || !machine->width) return "";
  if (*generation >= *machine->generation && *width >= *machine->width) return "";
  return "the link is PCIe " + pcie_text(generation, width) + ", published over " +
         pcie_text(machine->generation, machine->width);
}

void note_lowered(std::vector<std::string>& lowered, const std::string& what,
                  std::optional<int> set_to, std::optional<int> most) {
  if (!set_to || !most || *set_to >= *most) return;
  lowered.push_back(what + " at " + std::to_string(*set_to) + " of " + std::to_string(*most) +
                    " MHz");
}

/// Clocks that are set show in those of applications; clocks of now are low on an idle GPU.
std::string lowered_clocks(const Examination& found) {
  const GpuSettings& settings = found.platform.gpu->settings;
  std::vector<std::string> lowered;
  note_lowered(lowered, "SMs", settings.application_sm_mhz, settings.max_sm_mhz);
  note_lowered(lowered, "memory", settings.application_memory_mhz, settings.max_memory_mhz);
  for (const auto* reasons : {&settings.throttled, &found.calibration.throttled}) {
    for (std::string& reason : forced_reasons(*reasons)) {
      if (std::ranges::find(lowered, reason) == lowered.end()) {
        lowered.push_back(std::move(reason));
      }
    }
  }
  return lowered.empty() ? "" : "clocks are held down: " + listed(lowered, ", ");
}

/// Under ATS the IOMMU's translations are the GPU's own way to memory.
std::string translated(const Gpu& gpu) {
  const std::string& domain = gpu.pci.iommu;
  if (gpu.memory_model.pageable_memory_access_uses_host_page_tables || domain.empty() ||
      domain == "none" || domain == "identity") {
    return "";
  }
  return "the IOMMU translates every address that the GPU reads (" + domain + ")";
}

std::string encrypted(const GpuSettings& settings) {
  const bool on = settings.confidential_compute.value_or(false);
  return on ? "confidential compute encrypts what crosses the link" : "";
}

std::string partitioned(const GpuSettings& settings) {
  return settings.mig.value_or(false) ? "MIG is on: an instance has a part of the GPU" : "";
}

std::string others(const Gpu& gpu) {
  const std::size_t taken = gpu.memory_bytes - std::min(gpu.memory_bytes, gpu.free_bytes);
  if (!free_is_counted(memory_mode(gpu.memory_model))) return "";
  if (is_mostly(gpu.free_bytes, gpu.memory_bytes)) return "";
  return "others use the GPU: " + format_size_rounded(taken) + " of its memory were taken";
}

std::string another_mode(const Platform& platform) {
  const bool coherent = platform.link && platform.link->kind == "nvlink-c2c";
  if (!coherent || memory_mode(platform.gpu->memory_model) != MemoryMode::cdmm) return "";
  return "the GPU is in CDMM mode: figures published with a mode are of NUMA mode";
}

std::string guest(const Host& host) {
  const bool virtual_machine = host.settings.virtual_machine.value_or(false);
  return virtual_machine ? "the host is a virtual machine, whose own host is not seen" : "";
}

std::vector<std::string> known(std::vector<std::string> causes) {
  std::erase(causes, "");
  return causes;
}

}  // namespace

std::vector<std::string> causes_of_link(const Examination& found, const MaybePublished& machine) {
  const Platform& platform = found.platform;
  const Gpu& gpu = *platform.gpu;
  return known({remote_node(platform.host, gpu), narrow_link(found, machine), lowered_clocks(found),
                translated(gpu), encrypted(gpu.settings), partitioned(gpu.settings), others(gpu),
                another_mode(platform), guest(platform.host)});
}

std::vector<std::string> causes_of_host(const Examination& found) {
  const Platform& platform = found.platform;
  if (!platform.gpu) return known({guest(platform.host)});
  return known(
      {remote_node(platform.host, *platform.gpu), another_mode(platform), guest(platform.host)});
}

Check slow(std::string name, std::string what, std::vector<std::string> causes,
           const std::string& advice) {
  const std::string likely = causes.empty() ? "" : "likely: " + listed(causes, "; ") + "; ";
  Check check = look(std::move(name), std::move(what), likely + advice);
  check.likely_causes = std::move(causes);
  return check;
}

}  // namespace offload::doctor
