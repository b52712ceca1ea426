// SPDX-License-Identifier: Apache-2.0
// The CPU side of the machine and how its kernel is set up, read from /proc and /sys.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/platform/procfs.hpp"
#include "offload/platform.hpp"

namespace offload {

/// What only system calls tell.
struct SystemFacts {
  std::string architecture;
  std::string kernel;
  int logical_cpus = 0;
  std::size_t page_bytes = 0;
};
SystemFacts system_facts();

/// `root` is "/" on a real machine. A file that is missing leaves its field empty.
Host read_host(const std::filesystem::path& root, const SystemFacts& facts);

/// The NVIDIA kernel module's release, e.g. "580.159.04", from proc/driver/nvidia/version; "" when
/// no such module is loaded.
std::string read_driver_release(const std::filesystem::path& root);

/// `root` is "/" on a real machine. What cannot be read stays empty, and `unknown` says why.
HostSettings read_host_settings(const std::filesystem::path& root);

/// In order of their ids; GPUs and memory expanders can be among them. Whether one is GPU memory is
/// for mark_gpu_nodes() to say.
std::vector<NumaNode> read_numa_nodes(NotedFiles& files);

/// The nodes, in order of their ids, of the CPUs that this process may run on, and those whose
/// memory it may use. (What a memory policy such as numactl's adds to that is not in these files.)
std::optional<std::vector<int>> read_cpu_nodes(NotedFiles& files);
std::optional<std::vector<int>> read_memory_nodes(NotedFiles& files);

/// The nodes that NVIDIA's driver made of GPUs' memory, of all GPUs of the machine.
std::vector<int> read_gpu_numa_nodes(const std::filesystem::path& root);

/// Says of every node whether it is GPU memory: by the GPU's own attribute, by NVML, and by
/// `driver_says`. (A node without CPUs alone may as well be a memory expander.)
void mark_gpu_nodes(Platform& platform, const std::vector<int>& driver_says);

/// Takes those nodes out of what the host has and has available.
void leave_out_gpu_nodes(Platform& platform);

}  // namespace offload
