// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/machine_kinds.hpp"

#include <optional>
#include <stdexcept>
#include <string>

#include "bench/platform/host.hpp"
#include "bench/platform/memory_model.hpp"
#include "bench/platform/probe.hpp"
#include "offload/units.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload::testing {
namespace {

// Numbers of CUdevice_attribute, from cuda.h of CUDA 13.
constexpr int integrated = 18;
constexpr int managed = 83;
constexpr int host_atomics = 86;
constexpr int pageable = 88;
constexpr int concurrent_managed = 89;
constexpr int host_register = 99;
constexpr int host_page_tables = 100;
constexpr int direct_managed = 101;
constexpr int numa_config = 130;
constexpr int numa_id = 131;
constexpr int host_numa_id = 134;
constexpr int host_numa_vmm = 141;

const Attributes separate = {{integrated, 0},       {managed, 1},        {host_atomics, 0},
                             {pageable, 0},         {host_register, 1},  {concurrent_managed, 1},
                             {host_page_tables, 0}, {direct_managed, 0}, {numa_config, 0},
                             {host_numa_id, 0},     {host_numa_vmm, 1}};

Attributes with(Attributes attributes, const Attributes& changes) {
  for (const auto& [number, value] : changes) attributes[number] = value;
  return attributes;
}

const Attributes hmm = with(separate, {{pageable, 1}});
const Attributes cdmm = with(hmm, {{host_page_tables, 1}, {direct_managed, 1}, {host_atomics, 1}});

Attributes numa_mode(int node) { return with(cdmm, {{numa_config, 1}, {numa_id, node}}); }

/// In kB, as the kernel writes it; half of it is free.
std::string meminfo(const std::string& before, std::size_t bytes, const char* available) {
  const std::string all = std::to_string(bytes / KiB);
  const std::string half = std::to_string(bytes / KiB / 2);
  return before + "MemTotal: " + all + " kB\n" + before + available + ": " + half + " kB\n";
}

}  // namespace

std::vector<MachineKind> machine_kinds() {
  return {
      {.name = "PCIe",
       .architecture = "x86_64",
       .attributes = separate,
       .nodes = {{.id = 0, .gib = 256, .cpus = "0-31\n"}},
       .gpus_on_nodes = {-1},
       .mode = MemoryMode::separate,
       .link = "pcie",
       .host_gib = 256},
      {.name = "PCIe with HMM",
       .architecture = "x86_64",
       .attributes = hmm,
       .nodes = {{.id = 0, .gib = 256, .cpus = "0-31\n"}},
       .gpus_on_nodes = {-1},
       .mode = MemoryMode::hmm,
       .link = "pcie",
       .host_gib = 256},
      {.name = "two sockets",
       .architecture = "x86_64",
       .attributes = separate,
       .nodes = {{.id = 0, .gib = 512, .cpus = "0-31\n"}, {.id = 1, .gib = 512, .cpus = "32-63\n"}},
       .gpus_on_nodes = {-1, -1},
       .mode = MemoryMode::separate,
       .link = "pcie",
       .host_gib = 1024},
      // Seven more nodes wait for MIG.
      {.name = "GH200, NUMA mode",
       .attributes = numa_mode(1),
       .c2c_links = 10,
       .nodes =
           {{.id = 0, .gib = 480, .cpus = "0-71\n"}, {.id = 1, .gib = 96}, {.id = 2}, {.id = 3}},
       .gpus_on_nodes = {1},
       .mode = MemoryMode::numa,
       .link = "nvlink-c2c",
       .host_gib = 480,
       .gpu_nodes = {1}},
      {.name = "GH200, CDMM",
       .attributes = cdmm,
       .c2c_links = 10,
       .nodes = {{.id = 0, .gib = 480, .cpus = "0-71\n"}},
       .gpus_on_nodes = {-1},
       .mode = MemoryMode::cdmm,
       .link = "nvlink-c2c",
       .host_gib = 480},
      {.name = "GH200, CDMM, beside a memory expander",
       .attributes = cdmm,
       .c2c_links = 10,
       .nodes = {{.id = 0, .gib = 480, .cpus = "0-71\n"}, {.id = 1, .gib = 128}},
       .gpus_on_nodes = {-1},
       .mode = MemoryMode::cdmm,
       .link = "nvlink-c2c",
       .host_gib = 608},
      {.name = "GB200: two Grace, four GPUs",
       .attributes = numa_mode(2),
       .c2c_links = 10,
       .nodes = {{.id = 0, .gib = 480, .cpus = "0-71\n"},
                 {.id = 1, .gib = 480, .cpus = "72-143\n"},
                 {.id = 2, .gib = 186},
                 {.id = 10, .gib = 186},
                 {.id = 18, .gib = 186},
                 {.id = 26, .gib = 186}},
       .gpus_on_nodes = {2, 10, 18, 26},
       .mode = MemoryMode::numa,
       .link = "nvlink-c2c",
       .host_gib = 960,
       .gpu_nodes = {2, 10, 18, 26}},
      {.name = "GB10",
       .attributes = with(cdmm, {{integrated, 1}, {host_register, 0}}),
       .nodes = {{.id = 0, .gib = 119, .cpus = "0-19\n"}},
       .mode = MemoryMode::one_memory,
       .host_gib = 119},
      {.name = "GB10 whose driver counts links between its dies",
       .attributes = with(cdmm, {{integrated, 1}, {host_register, 0}}),
       .c2c_links = 2,
       .nodes = {{.id = 0, .gib = 119, .cpus = "0-19\n"}},
       .mode = MemoryMode::one_memory,
       .host_gib = 119},
      {.name = "Jetson Thor",
       .attributes = with(cdmm, {{integrated, 1}}),
       .nodes = {{.id = 0, .gib = 122, .cpus = "0-13\n"}},
       .mode = MemoryMode::one_memory,
       .host_gib = 122},
      {.name = "Jetson Orin",
       .attributes = with(separate, {{integrated, 1}, {concurrent_managed, 0}, {numa_config, 0}}),
       .nodes = {{.id = 0, .gib = 61, .cpus = "0-11\n"}},
       .mode = MemoryMode::one_memory,
       .host_gib = 61},
      {.name = "DGX Station, its GB300",
       .attributes = numa_mode(1),
       .c2c_links = 10,
       .nodes = {{.id = 0, .gib = 496, .cpus = "0-71\n"}, {.id = 1, .gib = 278}},
       .gpus_on_nodes = {1, -1},
       .mode = MemoryMode::numa,
       .link = "nvlink-c2c",
       .host_gib = 496,
       .gpu_nodes = {1}},
      // The node is another GPU's: no host memory either.
      {.name = "DGX Station, its PCIe card",
       .attributes = hmm,
       .nodes = {{.id = 0, .gib = 496, .cpus = "0-71\n"}, {.id = 1, .gib = 278}},
       .gpus_on_nodes = {1, -1},
       .mode = MemoryMode::hmm,
       .link = "pcie",
       .host_gib = 496,
       .gpu_nodes = {1}},
      {.name = "a coherent GPU whose driver knows no NUMA attributes",
       .attributes = {{pageable, 1}, {host_page_tables, 1}, {managed, 1}},
       .nodes = {{.id = 0, .gib = 480, .cpus = "0-71\n"}},
       .mode = MemoryMode::ats,
       .link = "nvlink-c2c",
       .host_gib = 480},
      {.name = "a driver that answers with errors",
       .architecture = "x86_64",
       .nodes = {{.id = 0, .gib = 64, .cpus = "0-7\n"}},
       .mode = MemoryMode::separate,
       .link = "pcie",
       .host_gib = 64},
  };
}

Platform machine_of(const MachineKind& kind) {
  const Root root;
  std::size_t all = 0;
  for (const MemoryNode& node : kind.nodes) {
    const std::string number = std::to_string(node.id);
    const std::string directory = "sys/devices/system/node/node" + number;
    root.write(directory + "/meminfo", meminfo("Node " + number + " ", node.gib * GiB, "MemFree"));
    root.write(directory + "/cpulist", node.cpus);
    all += node.gib * GiB;
  }
  root.write("proc/meminfo", meminfo("", all, "MemAvailable"));
  for (std::size_t i = 0; i < kind.gpus_on_nodes.size(); ++i) {
    root.write("proc/driver/nvidia/gpus/000" + std::to_string(i) + ":01:00.0/numa_status",
               "Node:     " + std::to_string(kind.gpus_on_nodes[i]) + "\nStatus:   online\n");
  }
  GpuProbe probe;
  Gpu& gpu = probe.gpu.emplace();
  gpu.memory_bytes = 90 * GiB;
  gpu.free_bytes = 80 * GiB;
  gpu.hbm_peak_bytes_per_second = 546e9;
  gpu.memory_model = read_memory_model([&](int number) -> std::optional<int> {
    const auto found = kind.attributes.find(number);
    if (found == kind.attributes.end()) return std::nullopt;
    return found->second;
  });
  NvmlFacts nvml;
  nvml.c2c_links = kind.c2c_links;
  return describe_machine(root.path(), {kind.architecture, "Linux 6.8.0", 64, 4096}, probe, nvml);
}

Platform machine_called(std::string_view name) {
  for (const MachineKind& kind : machine_kinds()) {
    if (kind.name == name) return machine_of(kind);
  }
  throw std::logic_error("no kind of machine is called " + std::string(name));
}

}  // namespace offload::testing
