// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/report/doctor_checks.hpp"
#include "bench/report/doctor_published.hpp"
#include "bench/report/machine_state.hpp"

namespace offload::doctor {
namespace {

using Nodes = std::vector<int>;

const char* const host_advice =
    "fill every memory channel, and let this process use more CPUs: what the CPU computes or "
    "stages is held up by it";

Check host_memory_check(const Examination& found, const MaybePublished& machine) {
  constexpr const char* name = "host_memory";
  // A GPU that reads faster than its host's memory is a Grace with LPDDR of 480 GB, by less.
  constexpr double enough = 0.8;
  const double rate = found.calibration.host_read;
  if (rate <= 0) return unknown(name, not_measured(found));
  const std::string text = "the CPU reads it at " + format_rate(rate);
  if (const auto comparison = compare(machine, "host_read_bytes_per_second", rate)) {
    return compared(name, text, *comparison, causes_of_host(found), host_advice);
  }
  const auto& copies = found.calibration.copy_h2d;
  if (!copies) return unknown(name, text + "; there is no link to compare it with");
  const std::string of_link = text + ", " + times(rate / *copies) + " of what the link takes";
  if (rate >= enough * *copies) return ok(name, of_link);
  return slow(name, of_link, causes_of_host(found), host_advice);
}

bool contains(const Nodes& nodes, int node) {
  return std::ranges::find(nodes, node) != nodes.end();
}

std::size_t nodes_with_cpus(const HostSettings& settings) {
  return static_cast<std::size_t>(std::ranges::count_if(settings.nodes, &NumaNode::has_cpus));
}

Check numa_check(const Platform& platform) {
  constexpr const char* name = "numa_node";
  const HostSettings& settings = platform.host.settings;
  const std::size_t nodes = nodes_with_cpus(settings);
  if (nodes == 0) return unknown(name, reason_of(settings.unknown, "nodes"));
  if (nodes == 1) return ok(name, "the host has one node");
  const std::string which = "which of " + std::to_string(nodes) + " nodes the GPU is at";
  if (!platform.gpu) return unknown(name, which + ": no GPU: " + platform.gpu_absent_reason);
  const auto node = node_of(*platform.gpu);
  if (!node) return unknown(name, which + ": " + reason_of(platform.gpu->pci.unknown, name));
  const auto& cpus = settings.cpu_nodes;
  const auto& memory = settings.memory_nodes;
  if (!cpus) return unknown(name, reason_of(settings.unknown, "cpu_nodes"));
  if (!memory) return unknown(name, reason_of(settings.unknown, "memory_nodes"));
  const std::string number = std::to_string(*node);
  const std::string text = "the GPU is at node " + number + "; this process has CPUs of " +
                           nodes_text(*cpus) + " and memory of " + nodes_text(*memory);
  const Nodes here{*node};
  // Memory comes from the node of the CPU that first touches it, as long as it has some.
  if (contains(*memory, *node) && (*cpus == here || *memory == here)) return ok(name, text);
  std::string advice = "numactl --cpunodebind=" + number + " --membind=" + number;
  if (!contains(*memory, *node) || !contains(*cpus, *node)) {
    advice +=
        ", or ask the scheduler or container for that node: what is elsewhere is read through "
        "the link between the nodes as well";
  }
  return look(name, text, advice);
}

Check balancing_check(const HostSettings& settings) {
  constexpr const char* name = "numa_balancing";
  const std::size_t nodes = nodes_with_cpus(settings);
  if (nodes == 0) return unknown(name, reason_of(settings.unknown, "nodes"));
  if (nodes == 1) return ok(name, "the host has one node");
  if (!settings.numa_balancing) return unknown(name, reason_of(settings.unknown, name));
  if (*settings.numa_balancing == 0) return ok(name, "off");
  return look(name, "on: the kernel unmaps pages to see who reads them, and moves those not pinned",
              "sysctl kernel.numa_balancing=0");
}

Check load_check(const Examination& found) {
  constexpr const char* name = "load";
  const Host& host = found.platform.host;
  const auto time = host_time(found.host);
  std::string text = host.load_average ? load_text(host) : "the load is unknown";
  text += time ? "; while this program measured, " + time->text()
               : "; what others and the hypervisor took is unknown";
  if (is_loaded(host) || (time && time->busy())) {
    return look(name, text,
                "run again when the machine is idle; top shows what runs, and steal is "
                "for the hypervisor's owner to end");
  }
  if (!host.load_average || !time) return unknown(name, text);
  return ok(name, text);
}

Check governor_check(const HostSettings& settings) {
  constexpr const char* name = "cpu_governor";
  if (settings.governor.empty()) return unknown(name, reason_of(settings.unknown, "governor"));
  if (settings.governor == "performance") return ok(name, settings.governor);
  return look(name, settings.governor + ": clocks rise only once there is work",
              "cpupower frequency-set -g performance");
}

/// Whether what devices read of host memory is translated: nullopt where that cannot be told.
std::optional<bool> translates(const HostSettings& settings) {
  const auto is_translated = [](const std::string& domain) { return domain.starts_with("DMA"); };
  if (!settings.iommu_domains.empty()) {
    return std::ranges::any_of(settings.iommu_domains, is_translated);
  }
  for (const std::string& word : settings.iommu_parameters.value_or(std::vector<std::string>{})) {
    if (word == "iommu=pt" || word == "iommu.passthrough=1") return false;
  }
  return std::nullopt;
}

Check iommu_check(const Platform& platform) {
  constexpr const char* name = "iommu";
  const HostSettings& settings = platform.host.settings;
  constexpr const char* advice =
      "boot with iommu=pt (on Arm iommu.passthrough=1), unless devices are handed to guests";
  if (platform.gpu && platform.gpu->memory_model.pageable_memory_access_uses_host_page_tables) {
    return ok(name, "ATS translates by it");
  }
  if (platform.gpu && !platform.gpu->pci.iommu.empty()) {
    const std::string& domain = platform.gpu->pci.iommu;
    if (domain == "none")
      return ok(name, "none is in the GPU's way, as far as can be seen from here");
    if (domain == "identity") return ok(name, "lets the GPU through (identity)");
    return look(name, "translates every address that the GPU reads (" + domain + ")", advice);
  }
  if (!settings.iommu_groups) return unknown(name, reason_of(settings.unknown, "iommu_groups"));
  if (*settings.iommu_groups == 0) return ok(name, "none is visible from here");
  const auto translated = translates(settings);
  if (!translated) return unknown(name, reason_of(settings.unknown, "iommu_domains"));
  if (!*translated) return ok(name, "lets devices through");
  return look(
      name,
      "translates the addresses that devices read (" + enumerate(settings.iommu_domains) + ")",
      advice);
}

Check thp_check(const Host& host) {
  constexpr const char* name = "transparent_hugepages";
  const std::string& mode = host.transparent_hugepages;
  if (mode.empty()) return unknown(name, "/sys/kernel/mm/transparent_hugepage cannot be read");
  if (mode != "never") return ok(name, mode);
  return look(name, "never: the CPU translates addresses of weights in small pages",
              "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

Check hugetlb_check(const Host& host) {
  constexpr const char* name = "reserved_hugepages";
  constexpr double much = 0.1;  // of the memory
  const auto& sizes = host.settings.hugepages;
  if (sizes.empty()) return unknown(name, reason_of(host.settings.unknown, "hugepages"));
  std::size_t bytes = 0;
  for (const HugePages& pages : sizes) bytes += pages.page_bytes * pages.count;
  if (bytes == 0) return ok(name, "none");
  const std::string text = format_size_rounded(bytes) + " of " +
                           format_size_rounded(host.memory_bytes) + " are set aside";
  if (static_cast<double>(bytes) <= much * static_cast<double>(host.memory_bytes)) {
    return ok(name, text);
  }
  return look(name, text + ": no weights can be there, neither pinned nor malloc'ed",
              "sysctl vm.nr_hugepages=0, unless something else needs them");
}

Check locked_check(const Host& host) {
  constexpr const char* name = "locked_memory";
  const HostSettings& settings = host.settings;
  const auto& limit = settings.locked_memory_limit_bytes;
  if (settings.locked_memory_unlimited) return ok(name, "unlimited");
  if (!limit) return unknown(name, reason_of(settings.unknown, "locked_memory_limit_bytes"));
  const std::string text = format_size_rounded(*limit) + " may be locked (ulimit -l)";
  if (host.memory_bytes > 0 && *limit >= host.memory_bytes / 2) return ok(name, text);
  // NVIDIA's module pins by get_user_pages and does not look at this limit.
  const std::string meaning =
      text +
      ": mlock (llama.cpp --mlock) and RDMA fail beyond; CUDA's pinned memory is not counted";
  constexpr std::size_t usual = std::size_t{8} << 20;  // what Linux and systemd give
  if (*limit >= usual) return ok(name, meaning);
  return look(name, meaning,
              "ulimit -l unlimited; docker --ulimit memlock=-1; systemd LimitMEMLOCK=infinity");
}

Check memory_limit_check(const Host& host) {
  constexpr const char* name = "memory_limit";
  constexpr double mostly = 0.9;
  const auto& limit = host.cgroup_limit_bytes;
  const auto& notes = host.settings.unknown;
  if (host.memory_bytes == 0) return unknown(name, "/proc/meminfo has no MemTotal");
  const std::string all = format_size_rounded(host.memory_bytes);
  const std::string free = ", " + format_size_rounded(host.available_bytes) + " available";
  if (!limit) {
    const bool noted =
        std::ranges::find(notes, "cgroup_limit_bytes", &Unknown::field) != notes.end();
    if (noted) return unknown(name, reason_of(notes, "cgroup_limit_bytes"));
    return ok(name, "none below the machine's " + all + free);
  }
  if (*limit >= host.memory_bytes) return ok(name, "none below the machine's " + all + free);
  if (static_cast<double>(*limit) >= mostly * static_cast<double>(host.memory_bytes)) {
    return ok(name, format_size_rounded(*limit) + " of the machine's " + all + free);
  }
  return look(name,
              "the control group may use " + format_size_rounded(*limit) + " of the machine's " +
                  all + ", and uses " + format_size_rounded(host.cgroup_used_bytes.value_or(0)),
              "weights beyond end the process: raise memory.max (docker --memory, Slurm --mem, "
              "Kubernetes limits)");
}

}  // namespace

std::optional<int> node_of(const Gpu& gpu) {
  return gpu.pci.numa_node ? gpu.pci.numa_node : gpu.memory_model.host_numa_id;
}

std::string nodes_text(const Nodes& nodes) {
  std::vector<std::string> names;
  names.reserve(nodes.size());
  for (const int node : nodes) names.push_back(std::to_string(node));
  return (nodes.size() == 1 ? "node " : "nodes ") + enumerate(names);
}

Checks host_checks(const Examination& found, const MaybePublished& machine) {
  const Platform& platform = found.platform;
  const Host& host = platform.host;
  return {host_memory_check(found, machine),
          numa_check(platform),
          memory_nodes_check(platform),
          balancing_check(host.settings),
          load_check(found),
          governor_check(host.settings),
          iommu_check(platform),
          page_size_check(platform),
          thp_check(host),
          hugetlb_check(host),
          locked_check(host),
          memory_limit_check(host)};
}

}  // namespace offload::doctor
