// SPDX-License-Identifier: Apache-2.0
// The host's NUMA nodes. GPUs and memory expanders can be among them.
#pragma once
#include <vector>

#include "bench/platform/noted_files.hpp"
#include "offload/platform.hpp"

namespace offload {

/// In order of their ids. Whether one is GPU memory is for mark_gpu_nodes() to say.
std::vector<NumaNode> read_numa_nodes(NotedFiles& files);

/// Says of every node whether it is GPU memory. Only where a GPU's memory is in the host's page
/// tables can it be; there it is a node with memory, but without CPUs.
void mark_gpu_nodes(Platform& platform);

}  // namespace offload
