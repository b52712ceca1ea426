// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/numa_nodes.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "bench/platform/files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

std::vector<NumaNode> read_numa_nodes(NotedFiles& files) {
  constexpr const char* directory = "sys/devices/system/node";
  std::vector<NumaNode> nodes;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(files.root() / directory, ignored)) {
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
  if (nodes.empty()) files.note("nodes", std::string("/") + directory + " shows none");
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

}  // namespace offload
