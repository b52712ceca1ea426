// SPDX-License-Identifier: Apache-2.0
// The parsers over the files of machines other than this one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "bench/core/files.hpp"
#include "bench/platform/host.hpp"
#include "bench/platform/memory.hpp"
#include "bench/platform/nvml.hpp"
#include "bench/platform/probe.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kib = 1024;
constexpr std::size_t gib = kib * kib * kib;

using testing::Root;

SystemFacts x86_facts() { return {"x86_64", "Linux 6.8.0-60-generic", 96, 4096}; }
SystemFacts grace_facts() { return {"aarch64", "Linux 6.8.0-1030-nvidia-64k", 72, 65536}; }

TEST(Host, ReadsAnX86Server) {
  const Root root;
  root.write("proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 143\n"
             "model name\t: Intel(R) Xeon(R) Platinum 8468\n\nprocessor\t: 1\n");
  root.write("proc/meminfo",
             "MemTotal:       2113495904 kB\nMemFree:        1900000000 kB\n"
             "MemAvailable:   2000000000 kB\n");
  root.write("sys/devices/system/node/has_cpu", "0-1\n");
  root.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  // Two sockets of two CPUs; each socket shares one L3.
  for (int cpu = 0; cpu < 4; ++cpu) {
    root.write_cache(cpu, 2, 2, "2048K", std::to_string(cpu));
    root.write_cache(cpu, 3, 3, "107520K", cpu < 2 ? "0-1" : "2-3");
  }
  const Host host = read_host(root.path(), x86_facts());
  EXPECT_EQ(host.cpu, "Intel(R) Xeon(R) Platinum 8468");
  EXPECT_EQ(host.architecture, "x86_64");
  EXPECT_EQ(host.kernel, "Linux 6.8.0-60-generic");
  EXPECT_EQ(host.logical_cpus, 96);
  EXPECT_EQ(host.page_bytes, 4096U);
  EXPECT_EQ(host.numa_nodes, 2);
  EXPECT_EQ(host.memory_bytes, 2113495904 * kib);
  EXPECT_EQ(host.available_bytes, 2000000000 * kib);
  EXPECT_EQ(host.last_level_cache_bytes, std::size_t{2} * 107520 * kib);
  EXPECT_EQ(host.transparent_hugepages, "madvise");
  EXPECT_EQ(host.cgroup_limit_bytes, std::nullopt);
}

TEST(Host, ReadsAGraceHopperWith64KiBPages) {
  const Root root;
  root.write("proc/cpuinfo",
             "processor\t: 0\nBogoMIPS\t: 2000.00\nFeatures\t: fp asimd sve sve2 bf16\n"
             "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
             "CPU part\t: 0xd4f\nCPU revision\t: 0\n");
  root.write("sys/devices/soc0/soc_id", "jep106:036b:0241\n");
  root.write("proc/meminfo", "MemTotal:       600000000 kB\nMemAvailable:   500000000 kB\n");
  // Node 0 is the CPU's memory, node 1 the GPU's; the rest wait for MIG.
  root.write("sys/devices/system/node/has_cpu", "0\n");
  root.write("sys/devices/system/node/has_memory", "0-1\n");
  root.write("sys/devices/system/node/possible", "0-8\n");
  root.write("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  root.write_cache(0, 3, 3, "116736K", "0-71");
  root.write_cache(71, 3, 3, "116736K", "0-71");
  const Host host = read_host(root.path(), grace_facts());
  EXPECT_EQ(host.cpu, "NVIDIA Grace (Arm Neoverse-V2)");
  EXPECT_EQ(host.page_bytes, 65536U);
  EXPECT_EQ(host.numa_nodes, 1);
  EXPECT_EQ(host.last_level_cache_bytes, 116736 * kib);
  EXPECT_EQ(host.transparent_hugepages, "always");
}

TEST(Host, NamesAnArmCoreItDoesNotKnowByItsNumbers) {
  const Root root;
  root.write("proc/cpuinfo", "CPU implementer\t: 0x4e\nCPU part\t: 0x004\n");
  EXPECT_EQ(read_host(root.path(), grace_facts()).cpu, "implementer 0x4e part 0x004");
}

TEST(Host, LeavesEmptyWhatIsMissing) {
  const Root root;
  const Host host = read_host(root.path(), x86_facts());
  EXPECT_EQ(host.cpu, "");
  EXPECT_EQ(host.numa_nodes, 1);
  EXPECT_EQ(host.memory_bytes, 0U);
  EXPECT_EQ(host.cgroup_limit_bytes, std::nullopt);
  EXPECT_EQ(host.cgroup_used_bytes, std::nullopt);
  EXPECT_EQ(host.last_level_cache_bytes, std::nullopt);
  EXPECT_EQ(host.transparent_hugepages, "");
  EXPECT_EQ(read_driver_release(root.path()), "");
}

TEST(Host, DescribesThisMachineWithinReason) {
  const SystemFacts facts = system_facts();
  EXPECT_GE(facts.logical_cpus, 1);
  EXPECT_EQ(facts.page_bytes, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
  const Host host = read_host("/", facts);
  const auto pages = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES));
  EXPECT_GT(host.memory_bytes, 0U);
  EXPECT_LT(host.memory_bytes, (pages + 1) * facts.page_bytes);  // a container may be shown less
  EXPECT_GT(host.available_bytes, 0U);
  EXPECT_LE(host.available_bytes, host.memory_bytes);
}

TEST(Driver, ReleaseOfBothKindsOfKernelModule) {
  const Root root;
  root.write("proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  "
             "(dvs-builder)\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n");
  EXPECT_EQ(read_driver_release(root.path()), "580.159.04");
  root.write("proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44\n");
  EXPECT_EQ(read_driver_release(root.path()), "470.256.02");
}

TEST(Cgroup, Version2WithALimitCountsNoReclaimableCache) {
  const Root root;
  root.write("proc/self/cgroup", "0::/system.slice/job.scope\n");
  const fs::path group = "sys/fs/cgroup/system.slice/job.scope";
  root.write(group / "memory.max", "8589934592\n");
  root.write(group / "memory.current", "5000\n");
  root.write(group / "memory.stat",
             "anon 1500\nfile 3500\nshmem 500\ninactive_anon 2000\nactive_anon 0\n"
             "inactive_file 1000\nactive_file 2000\n");
  const auto memory = read_cgroup_memory(root.path());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 8 * gib);
  EXPECT_EQ(memory->used, 2000U);
  const Host host = read_host(root.path(), x86_facts());
  EXPECT_EQ(host.cgroup_limit_bytes, 8 * gib);
  EXPECT_EQ(host.cgroup_used_bytes, 2000U);
}

TEST(Cgroup, TheAncestorWithLeastLeftDecides) {
  const Root root;
  root.write("proc/self/cgroup", "0::/a/b\n");
  root.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  root.write("sys/fs/cgroup/a/b/memory.current", "10\n");
  root.write("sys/fs/cgroup/a/memory.max", "1000\n");
  root.write("sys/fs/cgroup/a/memory.current", "900\n");
  root.write("sys/fs/cgroup/memory.max", "500\n");
  root.write("sys/fs/cgroup/memory.current", "50\n");
  const auto memory = read_cgroup_memory(root.path());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 1000U);
  EXPECT_EQ(memory->used, 900U);
}

TEST(Cgroup, Version2WithoutALimit) {
  const Root root;
  root.write("proc/self/cgroup", "0::/user.slice\n");
  root.write("sys/fs/cgroup/user.slice/memory.max", "max\n");
  root.write("sys/fs/cgroup/user.slice/memory.current", "4096\n");
  EXPECT_FALSE(read_cgroup_memory(root.path()));
}

TEST(Cgroup, AContainerSeesItsOwnGroupAsTheRootOfTheMount) {
  const Root root;
  root.write("proc/self/cgroup", "0::/kubepods.slice/pod1/container2\n");
  root.write("sys/fs/cgroup/memory.max", "17179869184\n");
  root.write("sys/fs/cgroup/memory.current", "1073741824\n");
  const auto memory = read_cgroup_memory(root.path());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 16 * gib);
  EXPECT_EQ(memory->used, gib);
}

TEST(Cgroup, Version1) {
  const Root root;
  // "memory" also occurs within another controller's name.
  root.write("proc/self/cgroup",
             "12:hugetlb,not_memory:/wrong\n4:memory:/slurm/job_7\n1:cpu,cpuacct:/slurm\n0::/\n");
  const fs::path mount = "sys/fs/cgroup/memory";
  root.write(mount / "slurm/job_7/memory.limit_in_bytes", "34359738368\n");
  root.write(mount / "slurm/job_7/memory.usage_in_bytes", "3000\n");
  root.write(mount / "slurm/job_7/memory.stat",
             "active_file 1\ninactive_file 1\ntotal_inactive_file 400\ntotal_active_file 600\n");
  root.write(mount / "memory.limit_in_bytes", "9223372036854771712\n");
  root.write(mount / "wrong/memory.limit_in_bytes", "1\n");
  const auto memory = read_cgroup_memory(root.path());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 32 * gib);
  EXPECT_EQ(memory->used, 2000U);
}

TEST(Cgroup, Version1SpellsNoLimitAsTheLargestPageMultiple) {
  const Root root;
  root.write("proc/self/cgroup", "4:memory:/job\n");
  root.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "3000\n");
  for (const auto* unlimited : {"9223372036854771712\n", "9223372036854710272\n"}) {
    root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", unlimited);
    EXPECT_FALSE(read_cgroup_memory(root.path())) << unlimited;
  }
}

TEST(Files, CountsTheNumbersOfAList) {
  EXPECT_EQ(count_in_list("0\n"), 1U);
  EXPECT_EQ(count_in_list("0-3,8\n"), 5U);
  EXPECT_EQ(count_in_list(""), 0U);
  EXPECT_EQ(count_in_list("x"), 0U);
}

TEST(Files, ReadsTheNumbersOfAList) {
  EXPECT_EQ(numbers_in_list("0-2,8\n"), (std::vector<int>{0, 1, 2, 8}));
  EXPECT_EQ(numbers_in_list("65535-99999999999"), (std::vector<int>{65535, 65536}));
  EXPECT_EQ(numbers_in_list("3-1,x"), std::vector<int>{});
}

TEST(Link, PciExpressPeaksAfterLineCoding) {
  EXPECT_NEAR(*pcie_peak(5, 16), 63.015e9, 1e6);  // 32 GT/s x 16 / 8 x 128/130
  EXPECT_NEAR(*pcie_peak(4, 16), 31.508e9, 1e6);
  EXPECT_NEAR(*pcie_peak(3, 8), 7.877e9, 1e6);
  EXPECT_DOUBLE_EQ(*pcie_peak(1, 1), 250e6);  // 8b/10b
  EXPECT_DOUBLE_EQ(*pcie_peak(2, 4), 2e9);
  EXPECT_FALSE(pcie_peak(0, 16));
  EXPECT_FALSE(pcie_peak(99, 16));
  EXPECT_FALSE(pcie_peak(5, 0));
  EXPECT_FALSE(pcie_peak(5, 17));
}

TEST(Link, APciExpressCardPeaksAtItsMaximumEvenWhenIdle) {
  NvmlFacts nvml;
  nvml.pcie_max_generation = 5;
  nvml.pcie_max_width = 16;
  nvml.pcie_generation = 1;
  nvml.pcie_width = 16;
  nvml.c2c_links = 0;
  MemoryModel hmm;
  hmm.pageable_memory_access = true;
  const auto link = decide_link(hmm, "x86_64", nvml);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, "pcie");
  EXPECT_EQ(link->generation, 5);
  EXPECT_EQ(link->current_generation, 1);
  EXPECT_EQ(link->peak_bytes_per_second, pcie_peak(5, 16));
  EXPECT_NE(link->reason, "");
}

TEST(Link, WithoutNvmlTheKindIsKnownAndThePeakIsNot) {
  const auto link = decide_link({}, "x86_64", {});
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, "pcie");
  EXPECT_EQ(link->generation, std::nullopt);
  EXPECT_EQ(link->peak_bytes_per_second, std::nullopt);
}

TEST(Link, HostPageTablesOnAnArmHostMeanC2C) {
  MemoryModel ats;
  ats.pageable_memory_access = true;
  ats.pageable_memory_access_uses_host_page_tables = true;
  const auto link = decide_link(ats, "aarch64", {});
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, "nvlink-c2c");
  EXPECT_EQ(link->peak_bytes_per_second, std::nullopt);  // nobody told
  EXPECT_FALSE(decide_link(ats, "ppc64le", {}));
}

TEST(Link, ActiveC2CLinksDecideAndAddUp) {
  NvmlFacts nvml;
  nvml.c2c_links = 10;
  nvml.c2c_bytes_per_second = 447.12e9;
  nvml.pcie_max_generation = 5;
  nvml.pcie_max_width = 16;
  const auto link = decide_link({}, "aarch64", nvml);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->kind, "nvlink-c2c");
  EXPECT_EQ(link->peak_bytes_per_second, 447.12e9);
  EXPECT_EQ(link->generation, std::nullopt);
}

TEST(Gpu, TheErrorOfABadIndexSaysWhichExist) {
  EXPECT_EQ(no_such_gpu("--gpu 3", 1), "--gpu 3: this machine has 1 GPU (0)");
  EXPECT_EQ(no_such_gpu("--gpu 8", 8), "--gpu 8: this machine has 8 GPUs (0-7)");
}

TEST(Platform, GpuAndReasonExcludeEachOther) {
  const Platform platform = probe_platform(0);
  EXPECT_NE(platform.gpu.has_value(), !platform.gpu_absent_reason.empty());
  EXPECT_GT(platform.host.memory_bytes, 0U);
}

TEST(Platform, ABadIndexIsAnErrorWithAndWithoutGpus) {
  for (const int index : {4096, -1}) {
    try {
      (void)probe_platform(index);
      ADD_FAILURE() << "GPU " << index << " was accepted";
    } catch (const UsageError& error) {
      const std::string expected = "--gpu " + std::to_string(index);
      EXPECT_TRUE(std::string_view(error.what()).starts_with(expected)) << error.what();
    }
  }
}

}  // namespace
}  // namespace offload
