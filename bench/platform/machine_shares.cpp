// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/machine_shares.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "bench/platform/host_node.hpp"

namespace offload {
namespace {

std::optional<int> node_of(int cpu, const Host& host) {
  for (const NumaNode& node : host.settings.nodes) {
    if (std::ranges::find(node.cpus, cpu) != node.cpus.end()) return node.id;
  }
  return std::nullopt;
}

/// Farthest where it is not known.
int distance(const Host& host, std::optional<int> from, std::optional<int> to) {
  constexpr int unknown = std::numeric_limits<int>::max();
  const NumaNode* node = from ? find_node(host, *from) : nullptr;
  if (node == nullptr || !to) return unknown;
  const auto& nodes = host.settings.nodes;
  const auto at = std::ranges::find(nodes, *to, &NumaNode::id) - nodes.begin();
  const auto index = static_cast<std::size_t>(at);
  return index < node->distances.size() ? node->distances[index] : unknown;
}

using Members = std::vector<std::size_t>;

/// The GPUs that are as near to `cpu` as any.
Members nearest(int cpu, const std::vector<Platform>& machines) {
  Members found;
  int least = std::numeric_limits<int>::max();
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const Host& host = machines[i].host;
    const std::optional<int> home = host.bound_node ? host.bound_node : local_node(machines[i]);
    const int away = distance(host, home, node_of(cpu, host));
    if (away < least) found.clear();
    if (away <= least) found.push_back(i);
    least = std::min(least, away);
  }
  return found;
}

/// In blocks, so that neighbours in number, which often share a cache, stay together.
void deal(const std::vector<int>& cpus, const Members& members,
          std::vector<std::vector<int>>& shares) {
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    shares[members[i * members.size() / cpus.size()]].push_back(cpus[i]);
  }
}

}  // namespace

std::vector<std::vector<int>> divide_cpus(const std::vector<Platform>& machines,
                                          const std::vector<int>& cpus) {
  // Node by node, so that none is given to one GPU whole to which another is as near.
  std::map<std::pair<Members, std::optional<int>>, std::vector<int>> groups;
  for (const int cpu : cpus) {
    groups[{nearest(cpu, machines), node_of(cpu, machines.front().host)}].push_back(cpu);
  }
  std::vector<std::vector<int>> shares(machines.size());
  for (const auto& [group, members] : groups) deal(members, group.first, shares);
  if (std::ranges::none_of(shares, &std::vector<int>::empty)) return shares;
  Members all(machines.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  shares.assign(machines.size(), {});
  if (cpus.size() >= machines.size()) {
    deal(cpus, all, shares);
  } else {
    for (auto& share : shares) share = cpus;  // fewer than GPUs: they share them
  }
  return shares;
}

std::vector<MachineShare> divide_host(const std::vector<Platform>& machines,
                                      const std::vector<int>& cpus) {
  if (machines.size() == 1) return {{machines.front(), {}}};
  const std::vector<std::vector<int>> own = divide_cpus(machines, cpus);
  std::vector<MachineShare> shares;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    shares.push_back({with_share(machines[i], machines.size(), own[i].size()), own[i]});
  }
  return shares;
}

Platform with_share(Platform machine, std::size_t shares, std::size_t cpus) {
  Host& host = machine.host;
  host.logical_cpus = static_cast<int>(cpus);
  host.available_bytes /= shares;
  for (NumaNode& node : host.settings.nodes) node.available_bytes /= shares;
  if (host.cgroup_limit_bytes) {
    const std::size_t used = host.cgroup_used_bytes.value_or(0);
    const std::size_t left = *host.cgroup_limit_bytes - std::min(used, *host.cgroup_limit_bytes);
    host.cgroup_limit_bytes = used + left / shares;
  }
  return machine;
}

}  // namespace offload
