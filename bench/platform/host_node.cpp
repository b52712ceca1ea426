// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/host_node.hpp"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include "bench/core/cpus.hpp"
#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr const char* flag = "--host-numa ";

bool is_gpu_memory(const NumaNode& node) { return node.gpu_memory.value_or(false); }

std::string ids_of(const std::vector<NumaNode>& nodes) {
  std::string ids;
  for (const NumaNode& node : nodes) {
    ids += (ids.empty() ? "" : ", ") + std::to_string(node.id);
  }
  return ids;
}

/// Of the host's nodes with memory the farthest from `local`.
std::optional<int> remote_node(const Platform& platform, int local) {
  const std::vector<NumaNode>& nodes = platform.host.settings.nodes;
  const NumaNode* from = find_node(platform.host, local);
  std::optional<int> farthest;
  int distance = -1;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].id == local || nodes[i].memory_bytes == 0 || is_gpu_memory(nodes[i])) continue;
    const bool known = from != nullptr && i < from->distances.size();
    const int its = known ? from->distances[i] : 0;
    if (its <= distance) continue;
    farthest = nodes[i].id;
    distance = its;
  }
  return farthest;
}

/// What flushes the caches, as much to read, and what the program itself takes.
std::size_t least_bytes(const Host& host) { return 2 * flush_bytes(host) + 64 * MiB; }

int usable(int id, const Platform& platform) {
  const std::string what = flag + std::to_string(id) + ": ";
  const NumaNode* node = find_node(platform.host, id);
  if (node == nullptr) {
    throw UsageError(what + "no such node; this machine has " +
                     ids_of(platform.host.settings.nodes));
  }
  if (is_gpu_memory(*node)) throw UsageError(what + "this node is memory of a GPU");
  if (node->memory_bytes == 0) throw UsageError(what + "this node has no memory");
  const auto& allowed = platform.host.settings.memory_nodes;
  if (allowed && std::ranges::find(*allowed, id) == allowed->end()) {
    throw UsageError(what + "this process may not use its memory (Mems_allowed_list)");
  }
  // The kernel kills who takes more of the only node that it may take from.
  if (const std::size_t least = least_bytes(platform.host); node->available_bytes < least) {
    throw UsageError(what + "this node has " + format_size_rounded(node->available_bytes) +
                     " available; measuring takes " + format_size_rounded(least) +
                     " to flush the CPU's caches and to calibrate");
  }
  return id;
}

std::size_t host_nodes(const Platform& platform) {
  return platform.host.settings.nodes.size() - gpu_nodes(platform).size();
}

std::vector<int> cpus_of(const NumaNode& node) {
  const std::vector<int> mine = host::affinity_cpus();
  std::vector<int> both;
  std::ranges::set_intersection(node.cpus, mine, std::back_inserter(both));
  return both;
}

void require(int error, const std::string& call) {
  if (error == 0) return;
  const std::string hint = error == EPERM ? "; a container needs --cap-add SYS_NICE for that" : "";
  throw UsageError("--host-numa: " + call + ": " + std::generic_category().message(error) + hint);
}

}  // namespace

std::optional<int> local_node(const Platform& platform) {
  if (platform.gpu) {
    const Gpu& gpu = *platform.gpu;
    if (gpu.pci.numa_node) return gpu.pci.numa_node;
    if (gpu.memory_model.host_numa_id) return gpu.memory_model.host_numa_id;
  }
  const auto& nodes = platform.host.settings.cpu_nodes;
  if (nodes && nodes->size() == 1) return nodes->front();
  return std::nullopt;
}

std::optional<int> home_node(const Platform& platform) {
  if (platform.host.bound_node) return platform.host.bound_node;
  if (host_nodes(platform) < 2) return std::nullopt;
  const auto local = local_node(platform);
  const NumaNode* node = local ? find_node(platform.host, *local) : nullptr;
  return node != nullptr && node->memory_bytes > 0 ? local : std::nullopt;
}

int find_host_node(std::string_view asked, const Platform& platform) {
  if (const auto id = parse_number<int>(asked); id && *id >= 0) return usable(*id, platform);
  if (asked != "local" && asked != "remote") {
    throw UsageError(flag + in_quotes(asked) + ": write local, remote or the number of a node");
  }
  const std::string what = flag + std::string(asked) + ": ";
  const auto local = local_node(platform);
  if (!local) throw UsageError(what + "nothing says which node is the GPU's; write its number");
  if (asked == "local") return usable(*local, platform);
  const auto remote = remote_node(platform, *local);
  if (!remote) throw UsageError(what + "this machine has no other node with host memory");
  return usable(*remote, platform);
}

NodeCalls node_calls() {
  const auto take = [](int node, bool from_no_other) {
    constexpr std::size_t bits = 8 * sizeof(unsigned long);
    std::array<unsigned long, 16> mask{};  // 1024 nodes, the most that Linux has
    const auto at = static_cast<std::size_t>(node);
    if (at >= bits * mask.size()) return EINVAL;
    mask[at / bits] = 1UL << (at % bits);
    const int mode = from_no_other ? MPOL_BIND : MPOL_PREFERRED;
    const long result = syscall(SYS_set_mempolicy, mode, mask.data(), bits * mask.size());
    return result == 0 ? 0 : errno;
  };
  return {take, host::run_on};
}

Platform bound_to_host_node(Platform platform, std::string_view asked) {
  if (asked.empty()) return platform;
  const int id = find_host_node(asked, platform);
  Host& host = platform.host;
  const NumaNode& node = *find_node(host, id);
  host.bound_node = id;
  if (const std::vector<int> cpus = cpus_of(node); !cpus.empty()) {
    host.logical_cpus = static_cast<int>(cpus.size());
  }
  if (host_nodes(platform) > 1) {
    host.available_bytes = std::min(host.available_bytes, node.available_bytes);
  }
  return platform;
}

void move_to_host_node(const Platform& platform, const NodeCalls& calls) {
  if (const auto bound = platform.host.bound_node) {
    require(calls.take_memory_from(*bound, true), "set_mempolicy");
    const std::vector<int> cpus = cpus_of(*find_node(platform.host, *bound));
    if (!cpus.empty()) require(calls.run_on(cpus), "sched_setaffinity");
    return;
  }
  // Where it is refused, pages lie where they always did, and the evidence says where that is.
  if (const auto home = home_node(platform)) (void)calls.take_memory_from(*home, false);
}

}  // namespace offload
