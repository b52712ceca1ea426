// SPDX-License-Identifier: Apache-2.0
#include "offload/platform.hpp"

#include <algorithm>

#include "offload/units.hpp"

namespace offload {

MemoryMode memory_mode(const MemoryModel& model) {
  if (model.shares_host_memory) return MemoryMode::one_memory;
  if (model.pageable_memory_access_uses_host_page_tables) {
    if (!model.gpu_is_numa_node) return MemoryMode::ats;
    return *model.gpu_is_numa_node ? MemoryMode::numa : MemoryMode::cdmm;
  }
  return model.pageable_memory_access ? MemoryMode::hmm : MemoryMode::separate;
}

std::string_view name(MemoryMode mode) {
  switch (mode) {
    case MemoryMode::separate:
      return "separate";
    case MemoryMode::hmm:
      return "hmm";
    case MemoryMode::numa:
      return "numa";
    case MemoryMode::cdmm:
      return "cdmm";
    case MemoryMode::ats:
      return "ats";
    case MemoryMode::one_memory:
      break;
  }
  return "one_memory";
}

std::string_view words(MemoryMode mode) {
  switch (mode) {
    case MemoryMode::separate:
      return "no HMM";
    case MemoryMode::hmm:
      return "HMM";
    case MemoryMode::numa:
      return "coherent, in NUMA mode";
    case MemoryMode::cdmm:
      return "coherent, in CDMM mode";
    case MemoryMode::ats:
      return "coherent, NUMA mode or CDMM not known";
    case MemoryMode::one_memory:
      break;
  }
  return "one memory with the CPU: nothing crosses a link";
}

const Peer* serving_peer(const Platform& platform) {
  const auto found = std::ranges::find(platform.peers, true, &Peer::accessible);
  return found == platform.peers.end() ? nullptr : &*found;
}

bool one_memory(const Platform& platform) {
  return platform.gpu && memory_mode(platform.gpu->memory_model) == MemoryMode::one_memory;
}

std::size_t flush_bytes(const Host& host) {
  return std::max(2 * host.last_level_cache_bytes.value_or(0), 64 * MiB);
}

const NumaNode* find_node(const Host& host, int id) {
  const std::vector<NumaNode>& nodes = host.settings.nodes;
  const auto found = std::ranges::find(nodes, id, &NumaNode::id);
  return found == nodes.end() ? nullptr : &*found;
}

std::vector<int> gpu_nodes(const Platform& platform) {
  std::vector<int> nodes;
  for (const NumaNode& node : platform.host.settings.nodes) {
    if (node.gpu_memory.value_or(false)) nodes.push_back(node.id);
  }
  return nodes;
}

}  // namespace offload
