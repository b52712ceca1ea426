// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/core/files.hpp"
#include "bench/platform/host.hpp"
#include "bench/platform/procfs.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr const char* node_directory = "sys/devices/system/node";
constexpr const char* status = "proc/self/status";

/// The number in "node12"; nullopt for other names.
std::optional<std::size_t> node_id(const std::string& name) {
  constexpr std::string_view prefix = "node";
  if (!name.starts_with(prefix)) return std::nullopt;
  return exact_number(std::string_view(name).substr(prefix.size()));
}

/// "Node 0 MemTotal:       527938048 kB"
std::size_t memory_of(std::string_view meminfo) {
  for (const auto line : lines_of(meminfo)) {
    const auto key = line.find("MemTotal:");
    if (key == std::string_view::npos) continue;
    return leading_number(line.substr(line.find(':') + 1)).value_or(0) * 1024;
  }
  return 0;
}

/// "10 80"; nothing when anything else is in it.
std::vector<int> distances_of(std::string_view text) {
  constexpr std::size_t farthest = 255;  // ACPI's "cannot be reached"
  std::vector<int> distances;
  text = trimmed(text);
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    const auto distance = exact_number(text.substr(0, blank));
    if (!distance || *distance > farthest) return {};
    distances.push_back(static_cast<int>(*distance));
    text = trimmed(text.substr(blank));
  }
  return distances;
}

/// A list in the file that says what this process may use; nothing where it cannot be read.
std::vector<int> allowed(NotedFiles& files, std::string_view field, const char* key) {
  const std::string text = files.text(field, status);
  if (text.empty()) return {};
  const auto list = value_of(text, key);
  std::vector<int> numbers = numbers_in_list(list);
  if (numbers.empty()) {
    files.note(field, std::string("/") + status + " has no " + key);
  }
  return numbers;
}

}  // namespace

std::vector<NumaNode> read_numa_nodes(NotedFiles& files) {
  std::vector<NumaNode> nodes;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(files.root() / node_directory, ignored)) {
    const auto id = node_id(entry.path().filename().string());
    if (!id) continue;
    NumaNode node;
    node.id = static_cast<int>(*id);
    node.memory_bytes = memory_of(read_text(entry.path() / "meminfo"));
    node.has_cpus = count_in_list(read_text(entry.path() / "cpulist")) > 0;
    node.distances = distances_of(read_text(entry.path() / "distance"));
    nodes.push_back(std::move(node));
  }
  std::ranges::sort(nodes, {}, &NumaNode::id);
  if (nodes.empty()) files.note("nodes", std::string("/") + node_directory + " shows none");
  return nodes;
}

void mark_gpu_nodes(Platform& platform) {
  if (!platform.gpu) return;
  const MemoryModel& model = platform.gpu->memory_model;
  const bool coherent =
      model.pageable_memory_access_uses_host_page_tables || model.gpu_is_numa_node.value_or(false);
  for (NumaNode& node : platform.host.settings.nodes) {
    node.gpu_memory = coherent && node.memory_bytes > 0 && !node.has_cpus;
  }
}

std::optional<std::vector<int>> read_cpu_nodes(NotedFiles& files) {
  constexpr const char* field = "cpu_nodes";
  const std::vector<int> cpus = allowed(files, field, "Cpus_allowed_list");
  if (cpus.empty()) return std::nullopt;
  std::vector<int> nodes;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(files.root() / node_directory, ignored)) {
    const auto id = node_id(entry.path().filename().string());
    if (!id) continue;
    const std::vector<int> of_node = numbers_in_list(read_text(entry.path() / "cpulist"));
    if (std::ranges::find_first_of(of_node, cpus) != of_node.end()) {
      nodes.push_back(static_cast<int>(*id));
    }
  }
  std::ranges::sort(nodes);
  if (!nodes.empty()) return nodes;
  files.note(field, std::string("no node in /") + node_directory + " has this process's CPUs");
  return std::nullopt;
}

std::optional<std::vector<int>> read_memory_nodes(NotedFiles& files) {
  std::vector<int> nodes = allowed(files, "memory_nodes", "Mems_allowed_list");
  if (nodes.empty()) return std::nullopt;
  return nodes;
}

}  // namespace offload
