// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/host.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/platform/numa.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload {
namespace {

using testing::Root;
using Texts = std::vector<std::string>;
constexpr std::size_t gib = std::size_t{1} << 30U;

std::string reason_for(const HostSettings& settings, const std::string& field) {
  for (const auto& unknown : settings.unknown) {
    if (unknown.field == field) return unknown.reason;
  }
  return "known";
}

void write_node(const Root& root, int id, std::size_t kib, const char* cpus, const char* distance) {
  const std::string number = std::to_string(id);
  const std::string directory = "sys/devices/system/node/node" + number;
  root.write(directory + "/meminfo", "Node " + number + " MemTotal:       " + std::to_string(kib) +
                                         " kB\nNode " + number + " MemFree:  1 kB\n");
  root.write(directory + "/cpulist", cpus);
  root.write(directory + "/distance", distance);
}

TEST(HostSettings, CountSocketsNotCores) {
  const Root root;
  for (int cpu = 0; cpu < 6; ++cpu) {
    root.write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/physical_package_id",
               cpu < 3 ? "0\n" : "1\n");
  }
  EXPECT_EQ(read_host_settings(root.path()).sockets, 2);
}

TEST(HostSettings, AFirmwareThatKnowsNoSockets) {
  const Root root;
  root.write("sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n");
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.sockets, std::nullopt);
  EXPECT_EQ(reason_for(settings, "sockets"), "no CPU has a physical_package_id in /sys");
}

TEST(HostSettings, NodesInOrderOfTheirIds) {
  const Root root;
  write_node(root, 10, 0, "\n", "80 20 10\n");
  write_node(root, 2, 100, "72-143\n", "40 10 20\n");
  write_node(root, 0, 200, "0-71\n", "10 40 80\n");
  root.write("sys/devices/system/node/has_cpu", "0,2\n");
  const auto nodes = read_host_settings(root.path()).nodes;
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].id, 0);
  EXPECT_EQ(nodes[1].id, 2);
  EXPECT_EQ(nodes[2].id, 10);
  EXPECT_EQ(nodes[0].memory_bytes, 200U * 1024);
  EXPECT_EQ(nodes[0].distances, (std::vector<int>{10, 40, 80}));
  EXPECT_TRUE(nodes[1].has_cpus());
  EXPECT_FALSE(nodes[2].has_cpus());
  EXPECT_EQ(nodes[2].memory_bytes, 0U);
  EXPECT_EQ(nodes[0].gpu_memory, std::nullopt);  // the host alone cannot tell
}

TEST(HostSettings, NodesThatThisProcessMayUse) {
  const Root root;
  write_node(root, 0, 100, "0-31\n", "10 21\n");
  write_node(root, 1, 100, "32-63\n", "21 10\n");
  root.write("proc/self/status",
             "Name: x\nCpus_allowed_list:\t33,40-41\nMems_allowed_list:\t0-1\n");
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.cpu_nodes, std::vector<int>{1});
  EXPECT_EQ(settings.memory_nodes, (std::vector<int>{0, 1}));
  root.write("proc/self/status", "Name: x\nCpus_allowed_list:\t64\n");
  const HostSettings strange = read_host_settings(root.path());
  EXPECT_EQ(strange.cpu_nodes, std::nullopt);
  EXPECT_EQ(reason_for(strange, "cpu_nodes"),
            "no node in /sys/devices/system/node has this process's CPUs");
  EXPECT_EQ(strange.memory_nodes, std::nullopt);
  EXPECT_EQ(reason_for(strange, "memory_nodes"), "/proc/self/status has no Mems_allowed_list");
}

TEST(HostSettings, ANodeWithGarbledFilesIsStillANode) {
  const Root root;
  const std::string directory = "sys/devices/system/node/node0";
  root.write(directory + "/meminfo", "nothing of use\n");
  root.write(directory + "/distance", "10 far\n");
  root.write("sys/devices/system/node/nodes_of_another_kind/meminfo", "x");
  const auto nodes = read_host_settings(root.path()).nodes;
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].memory_bytes, 0U);
  EXPECT_TRUE(nodes[0].distances.empty());
}

Platform machine_with_an_expander() {
  Platform platform;
  platform.host.settings.nodes = {{0, 480 * gib, 0, {0}, {}, {10, 80, 80}},
                                  {1, 96 * gib, 0, {}, {}, {80, 10, 255}},
                                  {2, 0, 0, {}, {}, {80, 255, 10}}};
  return platform;
}

TEST(NumaNodes, AreGpuMemoryWhereTheDriverSaysSo) {
  Platform platform = machine_with_an_expander();
  mark_gpu_nodes(platform, {});
  for (const auto& node : platform.host.settings.nodes) EXPECT_EQ(node.gpu_memory, std::nullopt);

  platform.gpu.emplace();
  mark_gpu_nodes(platform, {});
  for (const auto& node : platform.host.settings.nodes) EXPECT_EQ(node.gpu_memory, false);

  const auto marked = [](int attribute, int nvml, const std::vector<int>& driver_says) {
    Platform machine = machine_with_an_expander();
    machine.gpu.emplace();
    if (attribute >= 0) machine.gpu->memory_model.gpu_numa_id = attribute;
    if (nvml >= 0) machine.gpu->settings.numa_node = nvml;
    mark_gpu_nodes(machine, driver_says);
    return gpu_nodes(machine);
  };
  EXPECT_EQ(marked(1, -1, {}), std::vector<int>{1});
  EXPECT_EQ(marked(-1, 1, {}), std::vector<int>{1});
  EXPECT_EQ(marked(-1, -1, {1}), std::vector<int>{1});
  EXPECT_EQ(marked(2, -1, {1}), (std::vector<int>{1, 2}));  // another GPU's as well
  EXPECT_EQ(marked(-1, 0, {}), std::vector<int>{});         // NVML names the nearest CPU's node
}

TEST(HostSettings, HugePages) {
  const Root root;
  root.write("sys/kernel/mm/transparent_hugepage/defrag",
             "always defer defer+madvise [madvise] never\n");
  root.write("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "16\n");
  root.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
  root.write("sys/kernel/mm/hugepages/hugepages-65536kB/nr_hugepages", "some\n");
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.transparent_hugepage_defrag, "madvise");
  ASSERT_EQ(settings.hugepages.size(), 2U);
  EXPECT_EQ(settings.hugepages[0].page_bytes, std::size_t{2} << 20U);
  EXPECT_EQ(settings.hugepages[0].count, 0U);
  EXPECT_EQ(settings.hugepages[1].page_bytes, gib);
  EXPECT_EQ(settings.hugepages[1].count, 16U);
}

TEST(HostSettings, SwitchesOfTheKernel) {
  const Root root;
  root.write("proc/sys/kernel/numa_balancing", "2\n");
  root.write("proc/sys/vm/overcommit_memory", "1\n");
  root.write("proc/meminfo", "MemTotal: 100 kB\nSwapTotal:       8388604 kB\nSwapFree: 1 kB\n");
  root.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  root.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
  root.write("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance\n");
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.numa_balancing, 2);
  EXPECT_EQ(settings.overcommit_memory, 1);
  EXPECT_EQ(settings.swap_bytes, std::size_t{8388604} * 1024);
  EXPECT_EQ(settings.governor, "performance, powersave");
}

TEST(HostSettings, WhatTheCommandLineSays) {
  const Root root;
  root.write("proc/cmdline",
             "BOOT_IMAGE=/vmlinuz ro  intel_iommu=on init_on_alloc=1 iommu.passthrough=1 "
             "init_on_alloc=0 iommu=pt noiommu_in_the_middle=1\n");
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.kernel_command_line,
            "BOOT_IMAGE=/vmlinuz ro  intel_iommu=on init_on_alloc=1 iommu.passthrough=1 "
            "init_on_alloc=0 iommu=pt noiommu_in_the_middle=1");
  EXPECT_EQ(settings.iommu_parameters,
            (Texts{"intel_iommu=on", "iommu.passthrough=1", "iommu=pt"}));
  EXPECT_EQ(settings.init_on_alloc, false);  // the last one counts
  root.write("proc/cmdline", "quiet init_on_alloc=perhaps\n");
  const HostSettings silent = read_host_settings(root.path());
  EXPECT_EQ(silent.iommu_parameters, Texts{});
  EXPECT_EQ(silent.init_on_alloc, std::nullopt);
  EXPECT_EQ(reason_for(silent, "init_on_alloc"),
            "not on the kernel's command line; its configuration decides");
}

TEST(HostSettings, IommuGroupsAreCountedWhereTheyAreShown) {
  const Root root;
  EXPECT_EQ(read_host_settings(root.path()).iommu_groups, std::nullopt);
  std::filesystem::create_directories(root.path() / "sys/kernel/iommu_groups");
  EXPECT_EQ(read_host_settings(root.path()).iommu_groups, 0U);
  for (int group = 0; group < 3; ++group) {
    root.write("sys/kernel/iommu_groups/" + std::to_string(group) + "/type", "DMA\n");
  }
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.iommu_groups, 3U);
  EXPECT_EQ(settings.iommu_domains, Texts{"DMA"});
}

TEST(HostSettings, LockedMemoryIsTheSoftLimit) {
  const Root root;
  const auto limits = [&](const std::string& soft) {
    root.write("proc/self/limits",
               "Limit                     Soft Limit           Hard Limit           Units     \n"
               "Max processes             96365                96365                processes \n"
               "Max locked memory         " +
                   soft + "              unlimited            bytes     \n");
    return read_host_settings(root.path());
  };
  EXPECT_EQ(limits("8388608").locked_memory_limit_bytes, 8388608U);
  EXPECT_FALSE(limits("8388608").locked_memory_unlimited);
  EXPECT_EQ(limits("unlimited").locked_memory_limit_bytes, std::nullopt);
  EXPECT_TRUE(limits("unlimited").locked_memory_unlimited);
  const HostSettings strange = limits("many");
  EXPECT_EQ(strange.locked_memory_limit_bytes, std::nullopt);
  EXPECT_FALSE(strange.locked_memory_unlimited);
  EXPECT_TRUE(reason_for(strange, "locked_memory_limit_bytes")
                  .starts_with("/proc/self/limits says \"many"));
}

TEST(HostSettings, HypervisorsAndContainersAreHintsOnly) {
  const Root root;
  root.write("proc/cpuinfo", "processor: 0\nflags\t\t: fpu vme avx512f nohypervisor\n");
  HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.virtual_machine, std::nullopt);
  EXPECT_EQ(settings.container, "");
  root.write("proc/cpuinfo", "processor: 0\nflags\t\t: fpu hypervisor avx512f\n");
  root.write("run/.containerenv", "");
  settings = read_host_settings(root.path());
  EXPECT_EQ(settings.virtual_machine, true);
  EXPECT_EQ(settings.container, "podman");
  root.write(".dockerenv", "");
  EXPECT_EQ(read_host_settings(root.path()).container, "docker");
}

TEST(HostSettings, ParametersOfNvidiasModules) {
  const Root root;
  root.write("proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release\n");
  root.write("sys/module/nvidia_uvm/parameters/uvm_disable_hmm", "N\n");
  root.write("sys/module/nvidia_uvm/parameters/uvm_ats_mode", "1\n");
  root.write("proc/driver/nvidia/params",
             "ResmanDebugLevel: 4294967295\nRegistryDwords: \"\"\nno colon here\n: no name\n");
  const KernelModules modules = read_host_settings(root.path()).modules;
  EXPECT_EQ(modules.open, true);
  EXPECT_EQ(modules.uvm_parameters, (NamedTexts{{"uvm_ats_mode", "1"}, {"uvm_disable_hmm", "N"}}));
  EXPECT_EQ(modules.driver_parameters,
            (NamedTexts{{"ResmanDebugLevel", "4294967295"}, {"RegistryDwords", "\"\""}}));
  root.write("proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44\n");
  EXPECT_EQ(read_host_settings(root.path()).modules.open, false);
  root.write("proc/driver/nvidia/version", "something else\n");
  const HostSettings strange = read_host_settings(root.path());
  EXPECT_EQ(strange.modules.open, std::nullopt);
  EXPECT_EQ(reason_for(strange, "kernel_modules.open"),
            "/proc/driver/nvidia/version says \"something else\"");
}

TEST(HostSettings, RanksButNotWhoOwnsTheJob) {
  const Root root;
  using namespace std::string_view_literals;
  root.write("proc/self/environ",
             "HOME=/home/me\0SLURM_PROCID=3\0SLURM_JOB_USER=me\0OMPI_COMM_WORLD_SIZE=8\0broken\0"
             "PMI_RANK=\0MPI_LOCALRANKID=1\0SLURM_STEP_NUM_TASKS=8\0SLURM_NNODES=2\0"sv);
  EXPECT_EQ(read_host_settings(root.path()).ranks, (NamedTexts{{"MPI_LOCALRANKID", "1"},
                                                               {"OMPI_COMM_WORLD_SIZE", "8"},
                                                               {"PMI_RANK", ""},
                                                               {"SLURM_NNODES", "2"},
                                                               {"SLURM_PROCID", "3"},
                                                               {"SLURM_STEP_NUM_TASKS", "8"}}));
}

TEST(HostSettings, WhatIsMissingIsEmptyAndSaysWhy) {
  const Root root;
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_TRUE(settings.nodes.empty());
  EXPECT_TRUE(settings.hugepages.empty());
  EXPECT_EQ(settings.numa_balancing, std::nullopt);
  EXPECT_EQ(settings.governor, "");
  EXPECT_EQ(settings.kernel_command_line, "");
  EXPECT_EQ(settings.iommu_parameters, std::nullopt);
  EXPECT_EQ(settings.swap_bytes, std::nullopt);
  EXPECT_EQ(settings.overcommit_memory, std::nullopt);
  EXPECT_EQ(settings.modules.open, std::nullopt);
  EXPECT_TRUE(settings.ranks.empty());
  for (const char* field : {"sockets",
                            "nodes",
                            "cpu_nodes",
                            "memory_nodes",
                            "cgroup_limit_bytes",
                            "transparent_hugepage_defrag",
                            "hugepages",
                            "numa_balancing",
                            "governor",
                            "kernel_command_line",
                            "iommu_parameters",
                            "init_on_alloc",
                            "iommu_groups",
                            "locked_memory_limit_bytes",
                            "virtual_machine",
                            "container",
                            "swap_bytes",
                            "overcommit_memory",
                            "kernel_modules.open",
                            "kernel_modules.nvidia_uvm",
                            "kernel_modules.nvidia"}) {
    EXPECT_NE(reason_for(settings, field), "known") << field;
  }
  EXPECT_EQ(reason_for(settings, "numa_balancing"),
            "/proc/sys/kernel/numa_balancing is missing or empty");
}

TEST(HostSettings, NonsenseIsQuotedNotGuessedAt) {
  const Root root;
  root.write("proc/sys/kernel/numa_balancing", "1 or so\n");
  root.write("proc/sys/vm/overcommit_memory", "-1\n");
  root.write("sys/kernel/mm/transparent_hugepage/defrag", "always madvise never\n");
  root.write("proc/driver/nvidia/params", std::string(500, 'x'));
  const HostSettings settings = read_host_settings(root.path());
  EXPECT_EQ(settings.numa_balancing, std::nullopt);
  EXPECT_EQ(reason_for(settings, "numa_balancing"),
            "/proc/sys/kernel/numa_balancing says \"1 or so\"");
  EXPECT_EQ(settings.overcommit_memory, std::nullopt);
  EXPECT_EQ(reason_for(settings, "overcommit_memory"),
            "/proc/sys/vm/overcommit_memory says \"-1\"");
  EXPECT_EQ(settings.transparent_hugepage_defrag, "");
  EXPECT_NE(reason_for(settings, "transparent_hugepage_defrag"), "known");
  EXPECT_EQ(reason_for(settings, "kernel_modules.nvidia"),
            "/proc/driver/nvidia/params says \"" + std::string(40, 'x') + "\"");
}

}  // namespace
}  // namespace offload
