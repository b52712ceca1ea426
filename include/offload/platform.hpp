// SPDX-License-Identifier: Apache-2.0
// The machine as plain data. A field that could not be read is nullopt, never a guess.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offload {

/// A field that stays empty, by its name in the results, and why.
struct Unknown {
  std::string field;
  std::string reason;
};

/// Name and value, both as the system writes them.
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

/// CUDA device attributes that decide which policies can run (CUDA runtime, cudaDevAttr*).
struct MemoryModel {
  bool managed = false;
  bool concurrent_managed_access = false;
  bool pageable_memory_access = false;                        // HMM or ATS
  bool pageable_memory_access_uses_host_page_tables = false;  // ATS: Grace Hopper, POWER9
  bool direct_managed_access_from_host = false;
  bool host_native_atomics = false;
  bool host_register = false;
  bool host_register_read_only = false;  // of maps that the CPU may only read
  bool host_numa_vmm = false;            // cuMemCreate on a host NUMA node
  bool batched_copies = false;           // cudaMemcpyBatchAsync, in the toolkit and in the driver
  bool shares_host_memory = false;       // has none of its own: Tegra, GB10
  std::optional<int> host_numa_id;
  std::optional<int> async_engines;  // copies that can run beside kernels
  std::optional<bool> host_pointer_for_registered_memory;
  std::optional<bool> memory_pools;
  std::optional<bool> host_numa_memory_pools;
  std::optional<bool> gpu_is_numa_node;  // its memory is a NUMA node of the host
  std::optional<int> gpu_numa_id;        // where it is
};

/// Where the GPU finds pages of pageable memory, and whether they move to it: what the answer to
/// "UVA, UVM or system memory?" hangs on. By attributes, never by a device's name.
enum class MemoryMode : std::uint8_t {
  separate,    // it reads none: page tables of its own, no HMM
  hmm,         // pages move to it on its faults (Heterogeneous Memory Management)
  numa,        // host page tables (ATS), and its memory is a NUMA node: pages may move there
  cdmm,        // host page tables, its memory is the driver's alone: pages stay (Coherent
               // Driver-based Memory Management)
  ats,         // host page tables, and the driver does not say which of the two
  one_memory,  // it has none of its own: nothing crosses a link
};

MemoryMode memory_mode(const MemoryModel& model);
/// As results have it: "separate", "hmm", "numa", "cdmm", "ats", "one_memory".
std::string_view name(MemoryMode mode);
/// As a sentence about the machine has it: "coherent, in NUMA mode".
std::string_view words(MemoryMode mode);

/// How the GPU is set up and what it was doing when the run began, by NVML. Texts are empty when
/// unknown.
struct GpuSettings {
  std::string serial;
  std::optional<bool> ecc;
  std::optional<bool> mig;
  std::optional<bool> persistence;
  std::string compute_mode;  // "default", "exclusive process", "prohibited"
  std::optional<double> power_limit_watts;
  std::optional<double> enforced_power_limit_watts;  // the least of all limits in force
  std::optional<double> default_power_limit_watts;   // the card's own
  std::optional<int> sm_mhz, max_sm_mhz, application_sm_mhz;
  std::optional<int> memory_mhz, max_memory_mhz, application_memory_mhz;
  std::optional<std::vector<std::string>> throttled;  // reasons in force
  std::optional<int> temperature_celsius;
  std::optional<std::size_t> bar1_bytes;
  std::string addressing_mode;  // of pageable memory: "none", "hmm", "ats"
  std::optional<int> numa_node;
  std::optional<bool> confidential_compute;
  std::vector<Unknown> unknown;
};

/// What Linux says of the GPU's PCI device and of the port above it. Texts are empty when unknown.
struct PciDevice {
  std::optional<int> numa_node;                    // of the host, the nearest
  std::optional<int> generation, width;            // the most that the GPU alone can do
  std::optional<int> port_generation, port_width;  // the most that the slot can do
  std::string iommu;  // its domain: "identity" passes through, "DMA" and "DMA-FQ" translate; "none"
  std::vector<Unknown> unknown;
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
  GpuSettings settings;
  PciDevice pci;
};

/// Another GPU that this process is shown, as the one that is measured sees it.
struct Peer {
  int index = 0;            // as CUDA numbers it
  bool accessible = false;  // its memory, by this GPU's kernels and copies
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

struct NumaNode {
  int id = 0;
  std::size_t memory_bytes = 0;
  std::size_t available_bytes = 0;  // free, or page cache that can be dropped
  std::vector<int> cpus;
  bool has_cpus() const { return !cpus.empty(); }
  std::optional<bool> gpu_memory;  // memory of a GPU: of this one, or of another of the machine
  std::vector<int> distances;      // to every node in order of their ids, this one included
};

struct HugePages {
  std::size_t page_bytes = 0;
  std::size_t count = 0;
};

/// NVIDIA's kernel modules.
struct KernelModules {
  std::optional<bool> open;  // built from the published source
  NamedTexts uvm_parameters;
  NamedTexts driver_parameters;
};

/// How the host's kernel is set up, as far as it bears on memory. Texts are empty when unknown.
struct HostSettings {
  std::optional<int> sockets;
  std::vector<NumaNode> nodes;
  std::optional<std::vector<int>> cpu_nodes;     // of the CPUs that this process may run on
  std::optional<std::vector<int>> memory_nodes;  // whose memory it may use
  std::string transparent_hugepage_defrag;
  std::vector<HugePages> hugepages;  // set aside, by size
  std::optional<int> numa_balancing;
  std::string governor;  // of the CPUs' clocks; several are separated by ", "
  std::string kernel_command_line;
  std::optional<std::vector<std::string>> iommu_parameters;  // of the command line
  std::optional<bool> init_on_alloc;                         // as the command line says
  std::optional<std::size_t> iommu_groups;                   // visible here
  std::vector<std::string> iommu_domains;                    // of all groups, each kind once
  std::optional<std::size_t> locked_memory_limit_bytes;      // ulimit -l
  bool locked_memory_unlimited = false;
  std::optional<bool> virtual_machine;
  std::string container;  // "docker", "podman"
  std::optional<std::size_t> swap_bytes;
  std::optional<int> overcommit_memory;
  KernelModules modules;
  NamedTexts ranks;  // this process among those of a job: Slurm, MPI
  std::vector<Unknown> unknown;
};

struct Host {
  std::string cpu;
  std::string architecture;
  std::string kernel;
  int logical_cpus = 0;  // this process may run on
  int numa_nodes = 1;    // with CPUs
  std::size_t page_bytes = 0;
  std::size_t memory_bytes = 0;     // without nodes of GPU memory
  std::size_t available_bytes = 0;  // MemAvailable, likewise
  std::optional<std::size_t> cgroup_limit_bytes;
  std::optional<std::size_t> cgroup_used_bytes;       // without reclaimable page cache
  std::optional<std::size_t> last_level_cache_bytes;  // of all its instances together
  std::string transparent_hugepages;                  // e.g. "madvise", empty when unknown
  std::optional<double> load_average;                 // of the minute before the run
  std::optional<int> bound_node;  // that all memory of this process comes from (--host-numa)
  HostSettings settings;
};

struct Platform {
  std::optional<Gpu> gpu;
  std::string gpu_absent_reason;  // set when gpu is empty
  std::optional<Link> link;       // between host memory and the GPU
  std::vector<Peer> peers;        // in the order of asking: the next GPU first
  Host host;
  bool redacted = false;  // without what names the machine or its user
};

/// The GPU whose memory serves this one: the first that it reaches. nullptr where it reaches none.
const Peer* serving_peer(const Platform& platform);

/// Whether GPU and CPU share one memory: nothing that a policy does crosses a link there.
bool one_memory(const Platform& platform);

/// How much memory to read so that the CPU's caches hold nothing else.
std::size_t flush_bytes(const Host& host);

/// nullptr where the host has no such node.
const NumaNode* find_node(const Host& host, int id);

/// The nodes that are memory of a GPU.
std::vector<int> gpu_nodes(const Platform& platform);

}  // namespace offload
