// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/host.hpp"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bench/core/files.hpp"
#include "bench/platform/host_load.hpp"
#include "bench/platform/memory.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

int allowed_cpus() {
  // The mask has to be as long as the kernel's, which may be longer than cpu_set_t.
  for (std::size_t sets = 1; sets <= 64; sets *= 2) {
    std::vector<cpu_set_t> mask(sets);
    const std::size_t bytes = sets * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

struct ArmCore {
  std::string_view part;  // "CPU part" where "CPU implementer" is 0x41
  std::string_view name;
};
// MIDR_EL1 part numbers, from Arm's technical reference manuals of these cores.
constexpr std::array<ArmCore, 8> arm_cores{{{"0xd0c", "Neoverse-N1"},
                                            {"0xd40", "Neoverse-V1"},
                                            {"0xd49", "Neoverse-N2"},
                                            {"0xd4f", "Neoverse-V2"},
                                            {"0xd84", "Neoverse-V3"},
                                            {"0xd8e", "Neoverse-N3"},
                                            {"0xd85", "Cortex-X925"},
                                            {"0xd87", "Cortex-A725"}}};

/// Arm's /proc/cpuinfo names no model, only who designed the core and its part number.
std::string arm_core(std::string_view cpuinfo) {
  const auto implementer = value_of(cpuinfo, "CPU implementer");
  const auto part = value_of(cpuinfo, "CPU part");
  if (implementer.empty() || part.empty()) return {};
  if (implementer == "0x41") {
    for (const auto& core : arm_cores) {
      if (core.part == part) return "Arm " + std::string(core.name);
    }
  }
  return "implementer " + std::string(implementer) + " part " + std::string(part);
}

std::string cpu_name(const fs::path& root) {
  const std::string cpuinfo = read_text(root / "proc/cpuinfo");
  const auto model = value_of(cpuinfo, "model name");
  if (!model.empty()) return std::string(model);
  std::string core = arm_core(cpuinfo);
  // JEP106 036b is NVIDIA; 0241 is the SoC of Grace.
  const std::string soc = read_text(root / "sys/devices/soc0/soc_id");
  if (trimmed(soc) == "jep106:036b:0241") return "NVIDIA Grace (" + core + ")";
  return core;
}

/// "32768K" and "96M".
std::size_t cache_size(std::string_view text) {
  text = trimmed(text);
  const std::size_t number = leading_number(text).value_or(0);
  if (text.empty()) return 0;
  if (text.back() == 'K') return number << 10;
  if (text.back() == 'M') return number << 20;
  return number;
}

/// All instances of the outermost cache level together: what a reader on every core could hit.
std::optional<std::size_t> last_level_cache(const fs::path& root) {
  std::size_t level = 0;
  std::size_t total = 0;
  std::set<std::string> seen;  // the CPUs that share an instance name it
  std::error_code ignored;
  for (const auto& cpu : fs::directory_iterator(root / "sys/devices/system/cpu", ignored)) {
    for (const auto& index : fs::directory_iterator(cpu.path() / "cache", ignored)) {
      const auto its_level = leading_number(read_text(index.path() / "level")).value_or(0);
      const std::size_t bytes = cache_size(read_text(index.path() / "size"));
      if (its_level < level || bytes == 0) continue;
      if (trimmed(read_text(index.path() / "type")) == "Instruction") continue;
      if (its_level > level) {
        level = its_level;
        total = 0;
        seen.clear();
      }
      if (seen.insert(read_text(index.path() / "shared_cpu_list")).second) total += bytes;
    }
  }
  if (total == 0) return std::nullopt;
  return total;
}

}  // namespace

SystemFacts system_facts() {
  SystemFacts facts;
  utsname names{};
  if (uname(&names) == 0) {
    facts.architecture = names.machine;
    facts.kernel = std::string(names.sysname) + " " + names.release;
  }
  facts.logical_cpus = allowed_cpus();
  facts.page_bytes = static_cast<std::size_t>(std::max(0L, sysconf(_SC_PAGESIZE)));
  return facts;
}

Host read_host(const fs::path& root, const SystemFacts& facts) {
  Host host;
  host.architecture = facts.architecture;
  host.kernel = facts.kernel;
  host.logical_cpus = facts.logical_cpus;
  host.page_bytes = facts.page_bytes;
  host.cpu = cpu_name(root);

  // GPU memory and memory expanders are nodes without CPUs on some machines: not counted.
  const std::string nodes = read_text(root / "sys/devices/system/node/has_cpu");
  host.numa_nodes = std::max(1, static_cast<int>(count_in_list(nodes)));

  const std::string meminfo = read_text(root / "proc/meminfo");
  host.memory_bytes = kib_of(meminfo, "MemTotal").value_or(0);
  host.available_bytes = kib_of(meminfo, "MemAvailable").value_or(0);
  if (const auto cgroup = read_cgroup_memory(root)) {
    host.cgroup_limit_bytes = cgroup->limit;
    host.cgroup_used_bytes = cgroup->used;
  }
  host.last_level_cache_bytes = last_level_cache(root);
  host.transparent_hugepages =
      selected_word(read_text(root / "sys/kernel/mm/transparent_hugepage/enabled"));
  host.load_average = read_load_average(root);
  host.settings = read_host_settings(root);
  return host;
}

std::string read_driver_release(const fs::path& root) {
  const std::string text = read_text(root / "proc/driver/nvidia/version");
  const auto line = value_of(text, "NVRM version");
  // "NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build ...": the first word that
  // is only digits and dots, with a dot in it.
  std::size_t begin = 0;
  while (begin < line.size()) {
    const auto end = std::min(line.find(' ', begin), line.size());
    const auto word = line.substr(begin, end - begin);
    const bool dotted = word.find('.') != std::string_view::npos;
    const bool numeric = std::all_of(
        word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
    if (dotted && numeric) return std::string(word);
    begin = end + 1;
  }
  return {};
}

}  // namespace offload
