// SPDX-License-Identifier: Apache-2.0
// The NUMA nodes of the machine, which of them are memory of a GPU, and which this process may use.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "bench/platform/procfs.hpp"
#include "offload/platform.hpp"

namespace offload {

/// In order of their ids; GPUs and memory expanders can be among them. Whether one is GPU memory is
/// for mark_gpu_nodes() to say.
std::vector<NumaNode> read_numa_nodes(NotedFiles& files);

/// The nodes, in order of their ids, of the CPUs that this process may run on, and those whose
/// memory it may use. (What a memory policy such as numactl's adds to that is not in these files.)
std::optional<std::vector<int>> read_cpu_nodes(NotedFiles& files);
std::optional<std::vector<int>> read_memory_nodes(NotedFiles& files);

/// Bytes of a node that are free, or page cache that can be dropped; 0 where it cannot be read.
std::size_t read_node_available(const std::filesystem::path& root, int id);

/// The nodes that NVIDIA's driver made of GPUs' memory, of all GPUs of the machine.
std::vector<int> read_gpu_numa_nodes(const std::filesystem::path& root);

/// Says of every node whether it is GPU memory: by the GPU's own attribute, by NVML, and by
/// `driver_says`. (A node without CPUs alone may as well be a memory expander.)
void mark_gpu_nodes(Platform& platform, const std::vector<int>& driver_says);

/// Takes those nodes out of what the host has and has available.
void leave_out_gpu_nodes(Platform& platform);

}  // namespace offload
