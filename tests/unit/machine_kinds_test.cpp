// SPDX-License-Identifier: Apache-2.0
// Machines of every kind, by the files and answers they give: attributes as CUDA documents them for
// each, nodes as Linux shows them.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "bench/measure/plan_memory.hpp"
#include "bench/platform/host.hpp"
#include "bench/platform/memory_model.hpp"
#include "bench/platform/probe.hpp"
#include "offload/units.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload {
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

using Attributes = std::map<int, int>;

struct Node {
  int id;
  std::size_t gib;
  const char* cpus;  // "\n": none
};

struct Kind {
  const char* name;
  const char* architecture;
  Attributes attributes;  // any other: the driver does not know it
  int c2c_links;
  std::vector<Node> nodes;
  std::vector<int> gpus_on_nodes;  // as the driver's numa_status has it; -1: on none

  MemoryMode mode;
  const char* link;  // "" none
  std::size_t host_gib;
  std::vector<int> gpu_nodes;
};

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

std::vector<Kind> kinds() {
  return {
      {"PCIe",
       "x86_64",
       separate,
       0,
       {{0, 256, "0-31\n"}},
       {-1},
       MemoryMode::separate,
       "pcie",
       256,
       {}},
      {"PCIe with HMM",
       "x86_64",
       hmm,
       0,
       {{0, 256, "0-31\n"}},
       {-1},
       MemoryMode::hmm,
       "pcie",
       256,
       {}},
      {"two sockets",
       "x86_64",
       separate,
       0,
       {{0, 512, "0-31\n"}, {1, 512, "32-63\n"}},
       {-1, -1},
       MemoryMode::separate,
       "pcie",
       1024,
       {}},
      // Seven more nodes wait for MIG.
      {"GH200, NUMA mode",
       "aarch64",
       numa_mode(1),
       10,
       {{0, 480, "0-71\n"}, {1, 96, "\n"}, {2, 0, "\n"}, {3, 0, "\n"}},
       {1},
       MemoryMode::numa,
       "nvlink-c2c",
       480,
       {1}},
      {"GH200, CDMM",
       "aarch64",
       cdmm,
       10,
       {{0, 480, "0-71\n"}},
       {-1},
       MemoryMode::cdmm,
       "nvlink-c2c",
       480,
       {}},
      {"GH200, CDMM, beside a memory expander",
       "aarch64",
       cdmm,
       10,
       {{0, 480, "0-71\n"}, {1, 128, "\n"}},
       {-1},
       MemoryMode::cdmm,
       "nvlink-c2c",
       608,
       {}},
      {"GB200: two Grace, four GPUs",
       "aarch64",
       numa_mode(2),
       10,
       {{0, 480, "0-71\n"},
        {1, 480, "72-143\n"},
        {2, 186, "\n"},
        {10, 186, "\n"},
        {18, 186, "\n"},
        {26, 186, "\n"}},
       {2, 10, 18, 26},
       MemoryMode::numa,
       "nvlink-c2c",
       960,
       {2, 10, 18, 26}},
      {"GB10",
       "aarch64",
       with(cdmm, {{integrated, 1}, {host_register, 0}}),
       0,
       {{0, 119, "0-19\n"}},
       {},
       MemoryMode::one_memory,
       "",
       119,
       {}},
      {"GB10 whose driver counts links between its dies",
       "aarch64",
       with(cdmm, {{integrated, 1}, {host_register, 0}}),
       2,
       {{0, 119, "0-19\n"}},
       {},
       MemoryMode::one_memory,
       "",
       119,
       {}},
      {"Jetson Thor",
       "aarch64",
       with(cdmm, {{integrated, 1}}),
       0,
       {{0, 122, "0-13\n"}},
       {},
       MemoryMode::one_memory,
       "",
       122,
       {}},
      {"Jetson Orin",
       "aarch64",
       with(separate, {{integrated, 1}, {concurrent_managed, 0}, {numa_config, 0}}),
       0,
       {{0, 61, "0-11\n"}},
       {},
       MemoryMode::one_memory,
       "",
       61,
       {}},
      {"DGX Station, its GB300",
       "aarch64",
       numa_mode(1),
       10,
       {{0, 496, "0-71\n"}, {1, 278, "\n"}},
       {1, -1},
       MemoryMode::numa,
       "nvlink-c2c",
       496,
       {1}},
      // The node is another GPU's: no host memory either.
      {"DGX Station, its PCIe card",
       "aarch64",
       hmm,
       0,
       {{0, 496, "0-71\n"}, {1, 278, "\n"}},
       {1, -1},
       MemoryMode::hmm,
       "pcie",
       496,
       {1}},
      {"a coherent GPU whose driver knows no NUMA attributes",
       "aarch64",
       {{pageable, 1}, {host_page_tables, 1}, {managed, 1}},
       0,
       {{0, 480, "0-71\n"}},
       {},
       MemoryMode::ats,
       "nvlink-c2c",
       480,
       {}},
      {"a driver that answers with errors",
       "x86_64",
       {},
       0,
       {{0, 64, "0-7\n"}},
       {},
       MemoryMode::separate,
       "pcie",
       64,
       {}},
  };
}

/// In kB, as the kernel writes it; half of it is free.
std::string meminfo(const std::string& before, std::size_t bytes, const char* available) {
  const std::string all = std::to_string(bytes / KiB);
  const std::string half = std::to_string(bytes / KiB / 2);
  return before + "MemTotal: " + all + " kB\n" + before + available + ": " + half + " kB\n";
}

Platform machine_of(const Kind& kind) {
  const testing::Root root;
  std::size_t all = 0;
  for (const Node& node : kind.nodes) {
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
  gpu.memory_model = read_memory_model([&](int number) -> std::optional<int> {
    const auto found = kind.attributes.find(number);
    if (found == kind.attributes.end()) return std::nullopt;
    return found->second;
  });
  NvmlFacts nvml;
  nvml.c2c_links = kind.c2c_links;
  return describe_machine(root.path(), {kind.architecture, "Linux 6.8.0", 64, 4096}, probe, nvml);
}

TEST(MachineKinds, AreToldApartByWhatTheySay) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    const Platform machine = machine_of(kind);
    EXPECT_EQ(memory_mode(machine.gpu->memory_model), kind.mode);
    EXPECT_EQ(machine.link ? machine.link->kind : "", kind.link);
    EXPECT_EQ(gpu_nodes(machine), kind.gpu_nodes);
  }
}

TEST(MachineKinds, HostMemoryIsWithoutGpuMemory) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    const Host host = machine_of(kind).host;
    EXPECT_EQ(host.memory_bytes, kind.host_gib * GiB);
    EXPECT_EQ(host.available_bytes, kind.host_gib * GiB / 2);
  }
}

/// What can be taken leaves 5 % alone.
std::size_t most_of(std::size_t bytes) { return bytes - bytes / 20; }

TEST(MachineKinds, GpuMemoryIsCountedWhereItIsTrue) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    const Platform machine = machine_of(kind);
    std::size_t expected = 80 * GiB;                        // cudaMemGetInfo
    if (kind.mode == MemoryMode::ats) expected = 90 * GiB;  // all it has
    if (kind.mode == MemoryMode::one_memory) expected = kind.host_gib * GiB / 2;
    if (kind.mode == MemoryMode::numa) {
      for (const Node& node : kind.nodes) {
        if (node.id == kind.gpu_nodes.front()) expected = node.gib * GiB / 2;  // its node's
      }
    }
    EXPECT_EQ(gpu_memory_limit(machine), most_of(expected));
  }
}

TEST(MachineKinds, ADriverThatAnswersWithErrorsOffersNothing) {
  const MemoryModel model = read_memory_model([](int) { return std::nullopt; });
  EXPECT_FALSE(model.managed);
  EXPECT_FALSE(model.pageable_memory_access);
  EXPECT_FALSE(model.host_register);
  EXPECT_EQ(model.async_engines, std::nullopt);
  EXPECT_EQ(model.gpu_is_numa_node, std::nullopt);
  EXPECT_EQ(model.host_numa_id, std::nullopt);
}

TEST(MemoryModes, HaveNamesOfTheirOwn) {
  std::map<std::string_view, int> names;
  for (const MemoryMode mode : {MemoryMode::separate, MemoryMode::hmm, MemoryMode::numa,
                                MemoryMode::cdmm, MemoryMode::ats, MemoryMode::one_memory}) {
    ++names[name(mode)];
    ++names[words(mode)];
  }
  EXPECT_EQ(names.size(), 12U);
}

}  // namespace
}  // namespace offload
