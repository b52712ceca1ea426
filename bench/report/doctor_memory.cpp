// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/files.hpp"
#include "bench/core/text.hpp"
#include "bench/platform/access_counters.hpp"
#include "bench/report/doctor_checks.hpp"
#include "offload/units.hpp"

namespace offload::doctor {
namespace {

constexpr std::size_t small_page = 4 * KiB;

MemoryMode mode_of(const Platform& platform) { return memory_mode(platform.gpu->memory_model); }

bool is_ats(MemoryMode mode) {
  return mode == MemoryMode::numa || mode == MemoryMode::cdmm || mode == MemoryMode::ats;
}

std::string parameter(const NamedTexts& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &NamedTexts::value_type::first);
  return found == parameters.end() ? "" : found->second;
}

/// What of Grace's two modes the driver comes with; "" where its release is not known.
std::string default_text(const Gpu& gpu, MemoryMode mode) {
  constexpr std::size_t first_with_cdmm = 615;
  const auto release = leading_number(gpu.driver_release);
  if (!release) return "";
  const bool newer = *release >= first_with_cdmm;
  const std::string usual = newer ? "CDMM is the default from driver 615 on"
                                  : "NUMA mode is the default before driver 615";
  if (mode == MemoryMode::ats) return "; " + usual;
  const bool is_default = newer == (mode == MemoryMode::cdmm);
  return is_default ? "; " + usual : "; chosen by CoherentGPUMemoryMode: " + usual;
}

/// What is free or can be dropped of the node that the GPU's memory is.
Check node_memory_check(const char* name, const Platform& platform) {
  const auto& nodes = platform.host.settings.nodes;
  const auto& id = platform.gpu->memory_model.gpu_numa_id;
  const auto node = std::ranges::find_if(nodes, [&](const NumaNode& one) { return one.id == id; });
  if (node == nodes.end() || node->memory_bytes == 0) {
    return unknown(name,
                   "the kernel shows no node of GPU memory, and what the driver calls free "
                   "counts the host's page cache as used here");
  }
  const std::string text = format_size_rounded(node->available_bytes) + " of " +
                           format_size_rounded(node->memory_bytes) + " of node " +
                           std::to_string(node->id) + " are free or page cache";
  if (is_mostly(node->available_bytes, node->memory_bytes)) return ok(name, text);
  return look(name, text,
              "nvidia-smi shows who else uses this GPU, numactl --hardware what the host has put "
              "into its memory");
}

void add_nodes(std::vector<std::string>& parts, const std::string& what,
               const std::vector<int>& nodes) {
  if (!nodes.empty()) parts.push_back(what + " at " + nodes_text(nodes));
}

}  // namespace

bool is_mostly(std::size_t part, std::size_t whole) {
  constexpr double mostly = 0.9;
  return static_cast<double>(part) >= mostly * static_cast<double>(whole);
}

bool free_is_counted(MemoryMode mode) {
  return mode == MemoryMode::separate || mode == MemoryMode::hmm || mode == MemoryMode::cdmm;
}

Check pageable_access_check(const Platform& platform) {
  constexpr const char* name = "pageable_access";
  const MemoryMode mode = mode_of(platform);
  const KernelModules& modules = platform.host.settings.modules;
  if (mode == MemoryMode::one_memory) return ok(name, std::string(words(mode)));
  if (is_ats(mode)) return ok(name, "ATS: the GPU uses the host's page tables");
  if (mode == MemoryMode::hmm) return ok(name, "HMM: the GPU reads what malloc gives");
  if (platform.link && platform.link->kind != "pcie") {
    return look(
        name, "neither ATS nor HMM over " + platform.link->kind,
        "the driver of such a machine has ATS: look at its release and at the kernel's log");
  }
  std::string text = "no HMM: weights have to be in pinned or managed memory";
  if (modules.open == false) text += " (HMM needs the open kernel modules)";
  if (parameter(modules.uvm_parameters, "uvm_disable_hmm") == "Y") text += " (uvm_disable_hmm=Y)";
  return ok(name, text);
}

Check memory_mode_check(const Platform& platform) {
  constexpr const char* name = "memory_mode";
  const Gpu& gpu = *platform.gpu;
  const MemoryMode mode = mode_of(platform);
  if (mode == MemoryMode::one_memory) return ok(name, std::string(words(mode)));
  const std::string usual = default_text(gpu, mode);
  if (mode == MemoryMode::numa) {
    return ok(name,
              "NUMA mode: GPU memory is a NUMA node of the host, and pages that system_* policies "
              "read may move there" +
                  usual);
  }
  if (mode == MemoryMode::cdmm) {
    return ok(name,
              "CDMM: GPU memory is the driver's alone, and system_* policies read pages where they "
              "are, pass after pass" +
                  usual);
  }
  if (mode == MemoryMode::ats) {
    return unknown(name, "NUMA mode or CDMM: the driver does not say which" + usual);
  }
  return ok(name, "GPU memory is the driver's alone, and the GPU has page tables of its own");
}

Check access_counters_check(const Platform& platform) {
  constexpr const char* name = "access_counters";
  const AccessCounters found = access_counters(platform);
  const std::string text = text_of(found);
  if (found.turned_off) {
    return look(name, text, "load nvidia_uvm with its default, -1: on where there is ATS");
  }
  if (found.move_pages == false) return ok(name, text);
  if (!found.threshold) {
    return unknown(
        name, text + "; " + reason_of(platform.host.settings.unknown, "kernel_modules.nvidia_uvm"));
  }
  return found.move_pages ? ok(name, text) : unknown(name, text);
}

Check gpu_memory_check(const Platform& platform) {
  constexpr const char* name = "gpu_memory";
  const Gpu& gpu = *platform.gpu;
  const MemoryMode mode = mode_of(platform);
  if (gpu.memory_bytes == 0) return unknown(name, "its size could not be read");
  if (mode == MemoryMode::numa) return node_memory_check(name, platform);
  if (mode == MemoryMode::one_memory) {
    return unknown(name,
                   "it is the host's, whose page cache counts as used: memory_limit says what is "
                   "available");
  }
  if (!free_is_counted(mode)) {
    return unknown(name, "in NUMA mode what is free would count the host's page cache as used");
  }
  const std::string text = format_size_rounded(gpu.free_bytes) + " of " +
                           format_size_rounded(gpu.memory_bytes) + " are free";
  if (is_mostly(gpu.free_bytes, gpu.memory_bytes)) return ok(name, text);
  return look(name, text, "nvidia-smi shows who else uses this GPU, and with it the link");
}

Check page_size_check(const Platform& platform) {
  constexpr const char* name = "page_size";
  const std::size_t bytes = platform.host.page_bytes;
  if (bytes == 0) return unknown(name, "the kernel does not say");
  const std::string text = format_size_rounded(bytes);
  if (!platform.gpu || !is_ats(mode_of(platform))) return ok(name, text);
  if (bytes > small_page) {
    return ok(name, text + ", and by these the GPU reads what malloc gives");
  }
  return look(name,
              text +
                  ", and by these the GPU reads what malloc gives: it translates more often, "
                  "and access counters need larger ones",
              "boot a kernel with pages of 64 KiB, unless all weights are in pinned memory, which "
              "the GPU maps in larger pages");
}

Check memory_nodes_check(const Platform& platform) {
  constexpr const char* name = "memory_nodes";
  const HostSettings& settings = platform.host.settings;
  std::vector<int> of_host;
  std::vector<int> of_gpus;
  std::vector<int> of_neither;
  std::vector<int> whose;
  for (const NumaNode& node : settings.nodes) {
    if (node.memory_bytes == 0) continue;  // a place for a part of a GPU that MIG would make
    if (node.has_cpus()) {
      of_host.push_back(node.id);
    } else if (!node.gpu_memory) {
      whose.push_back(node.id);
    } else {
      (*node.gpu_memory ? of_gpus : of_neither).push_back(node.id);
    }
  }
  std::vector<std::string> parts;
  add_nodes(parts, "host memory", of_host);
  add_nodes(parts, "GPU memory", of_gpus);
  add_nodes(parts, "memory beside neither CPUs nor a GPU, such as CXL's,", of_neither);
  if (parts.empty() && whose.empty()) return unknown(name, reason_of(settings.unknown, "nodes"));
  if (!whose.empty()) {
    add_nodes(parts, "whose memory is", whose);
    return unknown(name, listed(parts, "; ") + " is not known: no GPU");
  }
  const bool numa = platform.gpu && mode_of(platform) == MemoryMode::numa;
  if (numa && of_gpus.empty()) {
    return unknown(name, listed(parts, "; ") + "; the node of GPU memory does not show");
  }
  return ok(name, listed(parts, "; "));
}

}  // namespace offload::doctor
