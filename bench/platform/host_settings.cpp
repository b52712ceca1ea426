// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/host.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "bench/core/files.hpp"
#include "bench/core/rank.hpp"
#include "bench/platform/memory.hpp"
#include "bench/platform/numa.hpp"
#include "bench/platform/procfs.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr const char* cpus = "sys/devices/system/cpu";

/// What `file` of every CPU's directory says, each answer once.
std::set<std::string> said_by_cpus(const fs::path& root, const char* file) {
  std::set<std::string> answers;
  std::error_code ignored;
  for (const auto& cpu : fs::directory_iterator(root / cpus, ignored)) {
    std::string answer(trimmed(read_text(cpu.path() / file)));
    if (!answer.empty()) answers.insert(std::move(answer));
  }
  return answers;
}

std::optional<int> read_sockets(NotedFiles& files) {
  const auto packages = said_by_cpus(files.root(), "topology/physical_package_id");
  // -1 where the firmware does not say.
  const auto known = std::ranges::count_if(
      packages, [](const std::string& id) { return exact_number(id).has_value(); });
  if (known > 0) return static_cast<int>(known);
  files.note("sockets", "no CPU has a physical_package_id in /sys");
  return std::nullopt;
}

std::string read_governor(NotedFiles& files) {
  std::string all;
  for (const auto& governor : said_by_cpus(files.root(), "cpufreq/scaling_governor")) {
    all += (all.empty() ? "" : ", ") + governor;
  }
  if (all.empty()) files.note("governor", "no CPU has a scaling_governor in /sys");
  return all;
}

/// The word in brackets: "always defer [madvise] never".
std::string read_defrag(NotedFiles& files) {
  constexpr const char* file = "sys/kernel/mm/transparent_hugepage/defrag";
  constexpr const char* field = "transparent_hugepage_defrag";
  const std::string text = files.text(field, file);
  if (text.empty()) return {};
  std::string word = selected_word(text);
  if (word.empty()) files.nonsense(field, file, text);
  return word;
}

/// A directory per size: hugepages-2048kB.
std::vector<HugePages> read_hugepages(NotedFiles& files) {
  constexpr const char* directory = "sys/kernel/mm/hugepages";
  constexpr std::string_view prefix = "hugepages-";
  std::vector<HugePages> sizes;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(files.root() / directory, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const auto kib = leading_number(std::string_view(name).substr(prefix.size()));
    const auto count = exact_number(read_text(entry.path() / "nr_hugepages"));
    if (kib && count) sizes.push_back({*kib * 1024, *count});
  }
  std::ranges::sort(sizes, {}, &HugePages::page_bytes);
  if (sizes.empty()) files.note("hugepages", std::string("/") + directory + " shows none");
  return sizes;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  text = trimmed(text);
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, blank));
    text = trimmed(text.substr(blank));
  }
  return words;
}

/// "iommu=pt", "intel_iommu=on", "iommu.passthrough=1", "arm-smmu.disable_bypass=0", ...
bool is_about_iommu(std::string_view word) {
  constexpr std::array<std::string_view, 4> starts{"iommu", "intel_iommu=", "amd_iommu",
                                                   "arm-smmu"};
  return std::ranges::any_of(starts,
                             [&](std::string_view start) { return word.starts_with(start); });
}

void read_command_line(NotedFiles& files, HostSettings& settings) {
  settings.kernel_command_line = files.text("kernel_command_line", "proc/cmdline");
  if (settings.kernel_command_line.empty()) {
    files.note("iommu_parameters", "the kernel's command line is unknown");
    files.note("init_on_alloc", "the kernel's command line is unknown");
    return;
  }
  settings.iommu_parameters.emplace();
  for (const std::string& word : words_of(settings.kernel_command_line)) {
    if (is_about_iommu(word)) settings.iommu_parameters->push_back(word);
    // The last one counts, as it does for the kernel.
    if (word == "init_on_alloc=1" || word == "init_on_alloc=on") settings.init_on_alloc = true;
    if (word == "init_on_alloc=0" || word == "init_on_alloc=off") settings.init_on_alloc = false;
  }
  if (!settings.init_on_alloc) {
    files.note("init_on_alloc", "not on the kernel's command line; its configuration decides");
  }
}

void read_iommu(NotedFiles& files, HostSettings& settings) {
  constexpr const char* directory = "sys/kernel/iommu_groups";
  std::error_code error;
  std::size_t groups = 0;
  std::set<std::string> domains;
  for (const auto& group : fs::directory_iterator(files.root() / directory, error)) {
    ++groups;
    std::string domain(trimmed(read_text(group.path() / "type")));
    if (!domain.empty()) domains.insert(std::move(domain));
  }
  if (error) {
    files.note("iommu_groups", std::string("/") + directory + " is missing");
    return;
  }
  settings.iommu_groups = groups;
  settings.iommu_domains.assign(domains.begin(), domains.end());
  if (groups > 0 && domains.empty()) {
    files.note("iommu_domains", std::string("no type can be read in /") + directory);
  }
}

void read_locked_memory(NotedFiles& files, HostSettings& settings) {
  constexpr const char* file = "proc/self/limits";
  constexpr const char* field = "locked_memory_limit_bytes";
  const std::string text = files.text(field, file);
  if (text.empty()) return;
  const auto line = value_of(text, "Max locked memory");
  const auto soft = line.substr(0, line.find(' '));
  settings.locked_memory_unlimited = soft == "unlimited";
  settings.locked_memory_limit_bytes = exact_number(soft);
  if (!settings.locked_memory_unlimited && !settings.locked_memory_limit_bytes) {
    files.nonsense(field, file, line);
  }
}

/// Hypervisors show themselves by a CPU flag, on x86 alone. Without it nothing is said: a
/// hypervisor can hide.
std::optional<bool> read_virtual_machine(NotedFiles& files) {
  const std::string cpuinfo = read_text(files.root() / "proc/cpuinfo");
  for (const std::string& flag : words_of(value_of(cpuinfo, "flags"))) {
    if (flag == "hypervisor") return true;
  }
  files.note("virtual_machine", "no hypervisor shows itself in /proc/cpuinfo");
  return std::nullopt;
}

std::string read_container(NotedFiles& files) {
  std::error_code ignored;
  if (fs::exists(files.root() / ".dockerenv", ignored)) return "docker";
  if (fs::exists(files.root() / "run/.containerenv", ignored)) return "podman";
  files.note("container", "neither /.dockerenv nor /run/.containerenv is there");
  return {};
}

std::optional<std::size_t> read_swap(NotedFiles& files) {
  const std::string meminfo = read_text(files.root() / "proc/meminfo");
  const auto kib = leading_number(value_of(meminfo, "SwapTotal"));
  if (kib) return *kib * 1024;
  files.note("swap_bytes", "/proc/meminfo has no SwapTotal");
  return std::nullopt;
}

// What this process was given of its job, and is, beside who it is. Not all of SLURM_*: that tells
// users, accounts and hosts.
constexpr std::array<std::string_view, 7> job_variables{
    "SLURM_NODEID",        "SLURM_NTASKS",        "SLURM_NNODES", "SLURM_CPUS_PER_TASK",
    "SLURM_CPU_BIND_TYPE", "SLURM_MEM_BIND_TYPE", "PMIX_RANK"};

bool is_of_the_job(std::string_view name) {
  return is_rank_variable(name) || std::ranges::find(job_variables, name) != job_variables.end();
}

/// From the environment that the process was started with.
NamedTexts read_ranks(const fs::path& root) {
  const std::string environment = read_text(root / "proc/self/environ");
  NamedTexts ranks;
  std::string_view rest = environment;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\0'), rest.size());
    const auto entry = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = entry.substr(0, equals);
    if (!is_of_the_job(name)) continue;
    ranks.emplace_back(name, entry.substr(equals + 1));
  }
  std::ranges::sort(ranks);
  return ranks;
}

std::optional<int> as_int(std::optional<std::size_t> number) {
  if (!number || *number > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(*number);
}

/// A file per parameter.
NamedTexts read_uvm_parameters(NotedFiles& files) {
  constexpr const char* directory = "sys/module/nvidia_uvm/parameters";
  NamedTexts parameters;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(files.root() / directory, ignored)) {
    parameters.emplace_back(file.path().filename().string(), trimmed(read_text(file.path())));
  }
  std::ranges::sort(parameters);
  if (parameters.empty()) {
    files.note("kernel_modules.nvidia_uvm", std::string("/") + directory + " is missing or empty");
  }
  return parameters;
}

/// Lines of "Name: value".
NamedTexts read_driver_parameters(NotedFiles& files) {
  constexpr const char* file = "proc/driver/nvidia/params";
  const std::string text = files.text("kernel_modules.nvidia", file);
  NamedTexts parameters;
  for (const auto line : lines_of(text)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    parameters.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  if (parameters.empty() && !text.empty()) files.nonsense("kernel_modules.nvidia", file, text);
  return parameters;
}

std::optional<bool> read_open(NotedFiles& files) {
  constexpr const char* file = "proc/driver/nvidia/version";
  const std::string text = files.text("kernel_modules.open", file);
  if (text.empty()) return std::nullopt;
  const auto line = value_of(text, "NVRM version");
  if (line.find("Open Kernel Module") != std::string_view::npos) return true;
  if (line.find("Kernel Module") != std::string_view::npos) return false;
  files.nonsense("kernel_modules.open", file, text);
  return std::nullopt;
}

KernelModules read_kernel_modules(NotedFiles& files) {
  KernelModules modules;
  modules.open = read_open(files);
  modules.uvm_parameters = read_uvm_parameters(files);
  modules.driver_parameters = read_driver_parameters(files);
  return modules;
}

}  // namespace

HostSettings read_host_settings(const fs::path& root) {
  NotedFiles files(root);
  HostSettings settings;
  settings.sockets = read_sockets(files);
  settings.nodes = read_numa_nodes(files);
  settings.cpu_nodes = read_cpu_nodes(files);
  settings.memory_nodes = read_memory_nodes(files);
  settings.transparent_hugepage_defrag = read_defrag(files);
  settings.hugepages = read_hugepages(files);
  settings.numa_balancing =
      as_int(files.number("numa_balancing", "proc/sys/kernel/numa_balancing"));
  settings.governor = read_governor(files);
  read_command_line(files, settings);
  read_iommu(files, settings);
  read_locked_memory(files, settings);
  if (!cgroup_limit_is_known(root)) {
    files.note("cgroup_limit_bytes", "no memory limit can be read in /sys/fs/cgroup");
  }
  settings.virtual_machine = read_virtual_machine(files);
  settings.container = read_container(files);
  settings.swap_bytes = read_swap(files);
  settings.overcommit_memory =
      as_int(files.number("overcommit_memory", "proc/sys/vm/overcommit_memory"));
  settings.modules = read_kernel_modules(files);
  settings.ranks = read_ranks(root);
  settings.unknown = files.take_notes();
  return settings;
}

}  // namespace offload
