// SPDX-License-Identifier: Apache-2.0
// The machine as plain data. A field that could not be read is nullopt, never a guess.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace offload {

/// CUDA device attributes that decide which policies can run (CUDA runtime, cudaDevAttr*).
struct MemoryModel {
  bool managed = false;
  bool concurrent_managed_access = false;
  bool pageable_memory_access = false;                        // HMM or ATS
  bool pageable_memory_access_uses_host_page_tables = false;  // ATS: Grace Hopper, POWER9
  bool direct_managed_access_from_host = false;
  bool host_native_atomics = false;
  bool host_register = false;
  bool host_numa_vmm = false;  // cuMemCreate on a host NUMA node
  std::optional<int> host_numa_id;
};

struct Gpu {
  int index = 0;
  std::string name;
  std::string uuid;
  std::string pci_bus_id;
  int compute_major = 0;
  int compute_minor = 0;
  int sm_count = 0;
  std::size_t l2_bytes = 0;
  std::size_t memory_bytes = 0;
  std::size_t free_bytes = 0;                       // at start-up
  std::optional<double> hbm_peak_bytes_per_second;  // memory clock x bus width x 2
  int driver_version = 0;                           // CUDA driver API version, e.g. 13000
  int runtime_version = 0;
  std::string driver_release;  // e.g. 580.159.04, empty when unknown
  MemoryModel memory_model;
};

struct Link {
  std::string kind;               // "pcie" or "nvlink-c2c"
  std::optional<int> generation;  // PCI Express: the most that GPU and slot can do
  std::optional<int> width;
  std::optional<int> current_generation;  // as negotiated at start-up; lower when idle
  std::optional<int> current_width;
  std::optional<double> peak_bytes_per_second;  // per direction, after line coding
  std::string reason;                           // why this kind, e.g. what the driver answered
};

struct Host {
  std::string cpu;
  std::string architecture;
  std::string kernel;
  int logical_cpus = 0;  // this process may run on
  int numa_nodes = 1;    // with CPUs
  std::size_t page_bytes = 0;
  std::size_t memory_bytes = 0;
  std::size_t available_bytes = 0;  // MemAvailable
  std::optional<std::size_t> cgroup_limit_bytes;
  std::optional<std::size_t> cgroup_used_bytes;       // without reclaimable page cache
  std::optional<std::size_t> last_level_cache_bytes;  // of all its instances together
  std::string transparent_hugepages;                  // e.g. "madvise", empty when unknown
};

struct Platform {
  std::optional<Gpu> gpu;
  std::string gpu_absent_reason;  // set when gpu is empty
  std::optional<Link> link;       // between host memory and the GPU
  Host host;
};

}  // namespace offload
