// SPDX-License-Identifier: Apache-2.0
// Which NUMA node of the host holds the weights, and whose CPUs read them there.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offload/platform.hpp"

namespace offload {

/// The host's node nearest to the GPU, or without one to this process's CPUs; nullopt where nothing
/// says which.
std::optional<int> local_node(const Platform& platform);

/// Where host memory is to lie: on the node that this process is bound to, or with several on the
/// one nearest to the GPU; nullopt where there is no choice, or no telling.
std::optional<int> home_node(const Platform& platform);

/// The node that --host-numa names: "local", "remote" (the farthest from it with memory), or a
/// number. Throws UsageError for what names none, and for a node without memory, of a GPU's memory,
/// or whose memory this process may not use.
int find_host_node(std::string_view asked, const Platform& platform);

/// What the kernel is asked; each returns 0 or an errno.
struct NodeCalls {
  /// From now on this thread and those it starts take memory from that node: from no other, or
  /// from others when it is full.
  std::function<int(int node, bool from_no_other)> take_memory_from;
  std::function<int(const std::vector<int>& cpus)> run_on;
};
NodeCalls node_calls();

/// The machine as it is for a process that takes host memory from the node that `asked` names, and
/// from no other, and computes on its CPUs, where it has any; unchanged with "". Throws as
/// find_host_node() does.
Platform bound_to_host_node(Platform platform, std::string_view asked);

/// Makes this process one of the kind that `platform` describes; where that is bound to no node,
/// memory comes from its home node as long as there is some. Called before threads are started and
/// weights are placed. Throws UsageError where the kernel refuses.
void move_to_host_node(const Platform& platform, const NodeCalls& calls);

}  // namespace offload
