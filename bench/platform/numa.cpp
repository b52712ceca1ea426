// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/numa.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/core/files.hpp"

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
std::size_t memory_of(std::string_view meminfo, std::string_view field) {
  for (const auto line : lines_of(meminfo)) {
    const auto key = line.find(field);
    if (key == std::string_view::npos) continue;
    return leading_number(line.substr(line.find(':') + 1)).value_or(0) * 1024;
  }
  return 0;
}

/// Free, or page cache that can be dropped.
std::size_t available_of(std::string_view meminfo) {
  return memory_of(meminfo, "MemFree:") + memory_of(meminfo, "Active(file):") +
         memory_of(meminfo, "Inactive(file):");
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
    const std::string meminfo = read_text(entry.path() / "meminfo");
    node.memory_bytes = memory_of(meminfo, "MemTotal:");
    node.available_bytes = available_of(meminfo);
    node.cpus = numbers_in_list(read_text(entry.path() / "cpulist"));
    node.distances = distances_of(read_text(entry.path() / "distance"));
    nodes.push_back(std::move(node));
  }
  std::ranges::sort(nodes, {}, &NumaNode::id);
  if (nodes.empty()) files.note("nodes", std::string("/") + node_directory + " shows none");
  return nodes;
}

std::size_t read_node_available(const std::filesystem::path& root, int id) {
  return available_of(read_text(root / node_directory / ("node" + std::to_string(id)) / "meminfo"));
}

std::vector<int> read_gpu_numa_nodes(const std::filesystem::path& root) {
  std::vector<int> nodes;
  std::error_code ignored;
  for (const auto& gpu : fs::directory_iterator(root / "proc/driver/nvidia/gpus", ignored)) {
    const std::string status = read_text(gpu.path() / "numa_status");
    const auto node = exact_number(value_of(status, "Node"));  // "-1" where it is none
    if (node) nodes.push_back(static_cast<int>(*node));
  }
  return nodes;
}

void mark_gpu_nodes(Platform& platform, const std::vector<int>& driver_says) {
  if (!platform.gpu) return;
  const Gpu& gpu = *platform.gpu;
  for (NumaNode& node : platform.host.settings.nodes) {
    const bool named = node.id == gpu.memory_model.gpu_numa_id ||
                       node.id == gpu.settings.numa_node ||
                       std::ranges::find(driver_says, node.id) != driver_says.end();
    node.gpu_memory = named && !node.has_cpus();
  }
}

void leave_out_gpu_nodes(Platform& platform) {
  Host& host = platform.host;
  for (const NumaNode& node : host.settings.nodes) {
    if (!node.gpu_memory.value_or(false)) continue;
    host.memory_bytes -= std::min(host.memory_bytes, node.memory_bytes);
    host.available_bytes -= std::min(host.available_bytes, node.available_bytes);
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
