// SPDX-License-Identifier: Apache-2.0
// Machines that something is wrong with, one thing each.
#include "bench/report/doctor.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/doctor_checks.hpp"
#include "tests/unit/fake_machine.hpp"

namespace offload {
namespace {

using testing::check_of;
using testing::expect_look;
using testing::expect_ok;
using testing::expect_unknown;
using testing::FakeMachine;
using testing::Names;
using testing::names_with;

TEST(Doctor, FindsNothingOnAMachineThatNothingIsWrongWith) {
  const Examination found = FakeMachine().examination();
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  EXPECT_EQ(names_with(found, Verdict::unknown), Names{});
  expect_ok(found, "gpu_link", "PCIe 5.0 x16 under load, the most that the GPU can");
  expect_ok(found, "copies_to_gpu",
            "55.5 GB/s, 88 % of the 63.0 GB/s that the link carries (others reach 85 % to 91 %)");
  EXPECT_NE(doctor_text(found, Format::table).find("nothing to look at in 29 checks"),
            std::string::npos);
}

TEST(Doctor, HasTheSameChecksWithoutAGpu) {
  const FakeMachine machine;
  const auto with = examine(machine.examination());
  const auto without = examine(machine.without_gpu());
  ASSERT_EQ(with.size(), without.size());
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i].name, without[i].name);
  expect_unknown(machine.without_gpu(), "gpu", "no GPU: no NVIDIA driver is loaded");
  expect_unknown(machine.without_gpu(), "gpu_link", "no GPU");
  expect_unknown(machine.without_gpu(), "numa_node", "which of 2 nodes the GPU is at: no GPU");
  expect_ok(machine.without_gpu(), "load", "a load of 0.500 on 64 CPUs");
  EXPECT_EQ(names_with(machine.without_gpu(), Verdict::look_here), Names{});
}

TEST(Doctor, ASlotThatCanLessThanTheGpu) {
  const FakeMachine machine;
  machine.write(FakeMachine::of_slot("max_link_speed"), "8.0 GT/s PCIe\n");
  machine.write(FakeMachine::of_slot("max_link_width"), "8\n");
  Examination found = machine.examination();
  found.platform.link->generation = found.calibration.link_generation = 3;  // together
  found.platform.link->width = found.calibration.link_width = 8;
  found.platform.link->peak_bytes_per_second = 7.88e9;
  found.calibration.copy_h2d = found.calibration.copy_d2h = 6.2e9;
  found.calibration.sm_read_pinned = 6.1e9;
  found.calibration.copy_pageable = 5e9;
  expect_look(found, "gpu_link",
              "PCIe 3.0 x8 under load, of a GPU that can 5.0 x16: it carries 7.88 GB/s instead of "
              "63.0 GB/s, 12 %",
              "the slot can 3.0 x8 at most: move the card");
  machine.write(FakeMachine::of_slot("max_link_speed"), "64.0 GT/s PCIe\n");  // with few lanes
  found.platform.gpu->pci = machine.examination().platform.gpu->pci;
  found.calibration.link_generation = 5;
  EXPECT_TRUE(check_of(found, "gpu_link").advice.starts_with("the slot can 6.0 x8 at most: move"));
  machine.write(FakeMachine::of_slot("max_link_speed"), "16.0 GT/s PCIe\n");
  found.platform.gpu->pci = machine.examination().platform.gpu->pci;
  found.calibration.link_generation = 3;
  EXPECT_TRUE(check_of(found, "gpu_link").advice.starts_with("the slot can 4.0 x8: seat the card"));
}

TEST(Doctor, ALinkBelowWhatGpuAndSlotCan) {
  Examination found = FakeMachine().examination();
  found.calibration.link_width = 8;
  found.calibration.copy_h2d = found.calibration.copy_d2h = 27.7e9;
  found.calibration.sm_read_pinned = 26e9;
  expect_look(found, "gpu_link", "PCIe 5.0 x8 under load, of a GPU that can 5.0 x16", "riser");
  found.platform.gpu->pci = {};  // a guest, in which NVML alone knows
  expect_look(found, "gpu_link", "of a GPU that can 5.0 x16", "move the card to a faster slot");
}

TEST(Doctor, ALinkThatNobodyKnows) {
  Examination found = FakeMachine().examination();
  found.calibration.link_width = 4;
  expect_unknown(found, "gpu_link", "which carries 15.8 GB/s, yet 55.5 GB/s were measured");
  expect_unknown(found, "copies_to_gpu", "one of the two is wrong");
  found.calibration.link_width.reset();
  expect_unknown(found, "gpu_link", "NVML does not say what is negotiated under load");
  found = FakeMachine().examination();
  found.platform.link.reset();
  expect_unknown(found, "gpu_link", "no link");
  expect_unknown(found, "copies_to_host", "55.3 GB/s; what the link carries is not known");
  found.platform.link = Link{"pcie", 6, 16, 6, 16, 121e9, ""};
  found.calibration.link_generation = 6;
  expect_unknown(found, "copies_to_gpu", "what others reach on such a link is not known");
}

TEST(Doctor, RatesBelowWhatOthersReach) {
  Examination found = FakeMachine().examination();
  found.calibration.copy_d2h = 49e9;  // less than 0.93 x 0.85 of 63.0
  expect_look(found, "copies_to_host", "49.0 GB/s, 78 % of the 63.0 GB/s", "numa_node");
  found.calibration.copy_d2h = 50e9;
  found.calibration.sm_read_pinned = 35.2e9;
  expect_look(found, "zero_copy_reads", "35.2 GB/s by SMs, 63 % of copies", "H800");
  found.calibration.sm_read_pinned = 51e9;
  found.calibration.copy_pageable = 2e9;
  expect_look(found, "pageable_copies", "2.00 GB/s, pinned memory is 28x as fast", "one thread");
  found.calibration.copy_pageable = 7e9;
  found.calibration.host_read = 40e9;
  expect_look(found, "host_memory", "40.0 GB/s, 0.72x of what the link takes", "memory channel");
}

TEST(Doctor, AGpuThatFailsIsLookedAt) {
  Examination found = FakeMachine().examination();
  found.calibration = {};
  found.calibration.copy_pageable.reset();
  found.failure = "cudaMemcpyAsync: unspecified launch failure";
  expect_look(found, "gpu", "unspecified launch failure", "dmesg");
  expect_unknown(found, "copies_to_gpu", "not measured: cudaMemcpyAsync");
}

TEST(Doctor, ARemoteNode) {
  const FakeMachine machine;
  machine.write("proc/self/status", "Cpus_allowed_list:\t0-31\nMems_allowed_list:\t0\n");
  expect_look(machine.examination(), "numa_node",
              "the GPU is at node 1; this process has CPUs of node 0 and memory of node 0",
              "numactl --cpunodebind=1 --membind=1, or ask the scheduler");
  machine.write("proc/self/status", "Cpus_allowed_list:\t0-63\nMems_allowed_list:\t0-1\n");
  expect_look(machine.examination(), "numa_node", "CPUs of nodes 0 and 1",
              "numactl --cpunodebind=1 --membind=1");
  machine.write("proc/self/status", "Cpus_allowed_list:\t0-63\nMems_allowed_list:\t1\n");
  expect_ok(machine.examination(), "numa_node", "memory of node 1");
  machine.write(FakeMachine::of_gpu("numa_node"), "-1\n");
  expect_unknown(machine.examination(), "numa_node", "numa_node says \"-1\"");
}

TEST(Doctor, NumaBalancing) {
  const FakeMachine machine;
  machine.write("proc/sys/kernel/numa_balancing", "1\n");
  expect_look(machine.examination(), "numa_balancing", "on", "sysctl kernel.numa_balancing=0");
}

TEST(Doctor, ABusyHost) {
  const FakeMachine machine;
  Examination found = machine.examination();
  found.host = Observed<HostState>::measured({2.0, 64, 12.8, 1.0, 0.5, 2000.0});
  expect_look(found, "load", "the hypervisor 10 % (steal)", "idle");
  machine.write("proc/loadavg", "60.00 40.00 30.00 9/900 4711\n");
  expect_look(machine.examination(), "load", "a load of 60.0 on 64 CPUs", "idle");
}

TEST(Doctor, SettingsOfTheHost) {
  const FakeMachine machine;
  machine.write("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave\n");
  expect_look(machine.examination(), "cpu_governor", "performance, powersave",
              "cpupower frequency-set -g performance");
  machine.write("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance\n");

  machine.write(FakeMachine::of_gpu("iommu_group/type"), "DMA-FQ\n");
  expect_look(machine.examination(), "iommu",
              "translates every address that the GPU reads (DMA-FQ)", "iommu=pt");
  machine.write(FakeMachine::of_gpu("iommu_group/type"), "identity\n");

  machine.write("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  expect_look(machine.examination(), "transparent_hugepages", "never", "echo madvise");
  machine.write("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");

  machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "51200\n");
  expect_look(machine.examination(), "reserved_hugepages", "100 GiB of 512 GiB are set aside",
              "vm.nr_hugepages=0");
  machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "100\n");

  machine.write("proc/self/limits", "Max locked memory         65536  65536  bytes\n");
  expect_look(machine.examination(), "locked_memory", "64 KiB may be locked",
              "ulimit -l unlimited");
  machine.write("proc/self/limits", "Max locked memory     8388608 8388608  bytes\n");
  expect_ok(machine.examination(), "locked_memory", "CUDA's pinned memory is not counted");
  machine.write("proc/self/limits", "Max locked memory    400000000000 unlimited  bytes\n");

  machine.write("sys/fs/cgroup/user.slice/memory.max", "1099511627776\n");
  expect_ok(machine.examination(), "memory_limit", "none below the machine's 512 GiB");

  machine.write("sys/fs/cgroup/user.slice/memory.max", "34359738368\n");
  machine.write("sys/fs/cgroup/user.slice/memory.current", "1073741824\n");
  expect_look(machine.examination(), "memory_limit",
              "may use 32 GiB of the machine's 512 GiB, and uses 1 GiB", "raise memory.max");
}

TEST(Doctor, AnIommuIsSeenWithoutAGpuToo) {
  const FakeMachine machine;
  expect_ok(machine.without_gpu(), "iommu", "lets devices through");
  machine.write("sys/kernel/iommu_groups/8/type", "DMA\n");
  expect_look(machine.without_gpu(), "iommu", "(DMA and identity)", "iommu=pt");
  machine.remove("sys/kernel/iommu_groups/8");
  machine.remove("sys/kernel/iommu_groups/7/type");
  expect_ok(machine.without_gpu(), "iommu", "lets devices through");  // the command line says so
  machine.write("proc/cmdline", "ro quiet\n");
  expect_unknown(machine.without_gpu(), "iommu", "no type can be read");
}

TEST(Doctor, SettingsOfTheGpu) {
  const Examination good = FakeMachine().examination();
  const auto spoiled = [&](const auto& spoil) {
    Examination found = good;
    spoil(found.platform.gpu->settings);
    return found;
  };
  expect_look(spoiled([](GpuSettings& s) { s.persistence = false; }), "persistence", "off",
              "-pm 1");
  expect_look(spoiled([](GpuSettings& s) { s.enforced_power_limit_watts = 350; }), "power_limit",
              "350 W of the card's 700 W", "nvidia-smi -pl 700");
  expect_look(spoiled([](GpuSettings& s) { s.mig = true; }), "gpu_mode", "MIG is on", "-mig 0");
  expect_look(spoiled([](GpuSettings& s) { s.confidential_compute = true; }),
              "confidential_compute", "encrypted", "trusted");
  Examination hot = good;
  hot.calibration.throttled = {"hardware thermal slowdown", "application clocks"};
  expect_look(hot, "gpu_clocks", "held down by hardware thermal slowdown", "cooling");
  EXPECT_EQ(check_of(hot, "gpu_clocks").what.find("application"), std::string::npos);
  Examination shared = good;
  shared.platform.gpu->free_bytes /= 2;
  expect_look(shared, "gpu_memory", "70 GiB of 140 GiB are free", "nvidia-smi");
}

TEST(Doctor, WhatAGpuDoesNotHaveIsNotMissing) {
  Examination found = FakeMachine().examination();
  GpuSettings& settings = found.platform.gpu->settings;
  settings.mig.reset();
  settings.unknown = {{"mig", "nvmlDeviceGetMigMode: NVML error 3 (not supported)"}};
  expect_ok(found, "gpu_mode", "not MIG");
  settings.unknown = {{"mig", "nvmlDeviceGetMigMode: NVML error 4 (no permission)"}};
  expect_unknown(found, "gpu_mode", "no permission");
}

TEST(Doctor, SaysOfPageableMemoryWhyTheGpuDoesNotReadIt) {
  Examination found = FakeMachine().examination();
  found.platform.host.settings.modules.open = false;
  found.platform.host.settings.modules.uvm_parameters = {{"uvm_disable_hmm", "Y"}};
  expect_ok(found, "pageable_access", "HMM needs the open kernel modules");
  expect_ok(found, "pageable_access", "uvm_disable_hmm=Y");
  expect_ok(found, "driver", "580.159.04 (CUDA 13.0), proprietary kernel modules");
  found.platform.gpu->memory_model.pageable_memory_access = true;
  expect_ok(found, "pageable_access", "HMM: the GPU reads what malloc gives");
}

TEST(Doctor, WhatCannotBeReadIsNeverOk) {
  // An empty root: nothing is there, or nobody may read it. And NVML answers nothing.
  const testing::Root root;
  Examination found;
  found.platform.host = read_host(root.path(), {"x86_64", "Linux", 8, 4096});
  Gpu gpu;
  gpu.name = "Some GPU";
  gpu.settings.unknown = {{"all", "libnvidia-ml.so.1 (NVML) cannot be opened"}};
  gpu.pci = read_pci_device(root.path(), "0000:17:00.0");
  found.platform.gpu = gpu;
  EXPECT_EQ(names_with(found, Verdict::look_here), Names{});
  EXPECT_EQ(names_with(found, Verdict::ok),
            (Names{"gpu", "pageable_access", "memory_mode", "access_counters", "page_size"}));
  expect_unknown(found, "persistence", "(NVML) cannot be opened");
  expect_unknown(found, "memory_limit", "MemTotal");
  for (const Check& check : examine(found)) EXPECT_FALSE(check.what.empty()) << check.name;
}

TEST(Doctor, AMemoryLimitThatCannotBeReadIsUnknown) {
  const FakeMachine machine;
  machine.remove("proc/self/cgroup");
  expect_unknown(machine.examination(), "memory_limit", "no memory limit can be read");
  machine.write("proc/self/cgroup", "0::/user.slice\n");
  machine.write("sys/fs/cgroup/user.slice/memory.max", "");  // as one without permission reads
  expect_unknown(machine.examination(), "memory_limit", "no memory limit can be read");
  machine.remove("sys/fs/cgroup/user.slice");  // the root group has no such file
  machine.write("proc/self/cgroup", "0::/\n");
  expect_ok(machine.examination(), "memory_limit", "none below the machine's 512 GiB");
}

TEST(Doctor, WritesItsChecksInEveryFormat) {
  const FakeMachine machine;
  machine.write("proc/loadavg", "60.00 40.00 30.00 9/900 4711\n");
  const Examination found = machine.examination();
  const std::string table = doctor_text(found, Format::table);
  EXPECT_NE(table.find("NVIDIA H200, PCIe 5.0 x16; "), std::string::npos) << table;
  EXPECT_NE(table.find("look here  load "), std::string::npos) << table;
  EXPECT_NE(table.find("1 of 29 checks says where to look"), std::string::npos) << table;
  EXPECT_TRUE(doctor_text(found, Format::csv).starts_with("check,verdict,what,advice\ngpu,ok,"));
  EXPECT_NE(doctor_text(found, Format::md).find("| look here | load |"), std::string::npos);
  EXPECT_EQ(doctor_text(found, Format::json), doctor_json(found));
  EXPECT_NE(doctor_json(found).find("\"look_here\": 1"), std::string::npos);
}

}  // namespace
}  // namespace offload
