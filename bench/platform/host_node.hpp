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

/// Takes host memory from the node that `asked` names, and from no other, and computes on its CPUs,
/// where it has any. With "" memory comes from the GPU's own node as long as there is some. Called
/// before threads are started and weights are placed; returns the machine as it then is for this
/// process. Throws UsageError where that cannot be.
Platform placed_on_host_node(Platform platform, std::string_view asked, const NodeCalls& calls);

}  // namespace offload
