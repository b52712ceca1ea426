// SPDX-License-Identifier: Apache-2.0
// Which GPUs a run measures, in which sets, and what of the host each has.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "bench/measure/gpu_sets.hpp"
#include "bench/measure/plan.hpp"
#include "bench/platform/machine_shares.hpp"
#include "bench/platform/probe.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"
#include "tests/unit/messages.hpp"

namespace offload {
namespace {

using testing::gib;

TEST(GpusOfARun, AreAllOrThoseThatAreNamed) {
  EXPECT_EQ(gpu_numbers({"all"}, 4), (std::vector{0, 1, 2, 3}));
  EXPECT_EQ(gpu_numbers({"2", "0"}, 4), (std::vector{2, 0}));
  EXPECT_EQ(gpu_numbers({"0"}, 1), (std::vector{0}));
}

TEST(GpusOfARun, AreEachThereAndNamedOnce) {
  EXPECT_EQ(testing::message_of<UsageError>([] {
              gpu_numbers({"0", "4"}, 4);
            }),
            "--gpus 4: this machine has 4 GPUs (0-3)");
  EXPECT_EQ(testing::message_of<UsageError>([] { gpu_numbers({"1"}, 1); }),
            "--gpus 1: this machine has 1 GPU (0)");
  EXPECT_EQ(testing::message_of<UsageError>([] {
              gpu_numbers({"1", "0", "1"}, 4);
            }),
            "--gpus: GPU 1 is named twice");
  EXPECT_EQ(testing::message_of<UsageError>([] {
              gpu_numbers({"all", "1"}, 4);
            }),
            "--gpus: all stands alone");
}

std::vector<Platform> two_machines() {
  std::vector machines{testing::gpu_machine(), testing::gpu_machine()};
  for (int i = 0; i < 2; ++i) {
    Gpu& gpu = *machines[static_cast<std::size_t>(i)].gpu;
    gpu.index = i;
    gpu.name = "Example GPU";
  }
  return machines;
}

TEST(GpusOfARun, AreAlike) {
  std::vector<Platform> machines = two_machines();
  EXPECT_NO_THROW(require_alike(machines));
  machines[1].gpu->memory_bytes -= gib;  // retired pages
  EXPECT_NO_THROW(require_alike(machines));
  machines[1].gpu->memory_bytes = 80 * gib;
  EXPECT_EQ(testing::message_of<UsageError>([&] { require_alike(machines); }),
            "--gpus: GPU 1 (Example GPU, 80 GiB) is not like GPU 0 (Example GPU, 140 GiB): measure "
            "each by itself, with --gpu");
  machines = two_machines();
  machines[1].gpu->name = "Another GPU";
  EXPECT_THROW(require_alike(machines), UsageError);
  machines = two_machines();
  machines[1].gpu->memory_model.pageable_memory_access = true;
  EXPECT_THROW(require_alike(machines), UsageError);
}

TEST(GpuSets, AreEachAloneThenMoreAndMoreOfThem) {
  EXPECT_TRUE(gpu_sets({}).empty());
  EXPECT_TRUE(gpu_sets({3}).empty());
  EXPECT_EQ(gpu_sets({0, 2}), (std::vector<GpuSet>{{0}, {2}, {0, 2}}));
  EXPECT_EQ(gpu_sets({0, 1, 2}), (std::vector<GpuSet>{{0}, {1}, {2}, {0, 1}, {0, 1, 2}}));
  const std::vector<GpuSet> eight = gpu_sets({0, 1, 2, 3, 4, 5, 6, 7});
  ASSERT_EQ(eight.size(), 8U + 3U);
  EXPECT_EQ(eight[9], (GpuSet{0, 1, 2, 3}));
  EXPECT_EQ(eight[10].size(), 8U);
}

TEST(GpuSets, EachHaveEveryCaseUnderANameOfItsOwn) {
  const Catalog catalog = testing::fake_catalog();
  const WeightSet weights{"w", {{"w", DType::bf16, 64, 64}}};
  Plan plan;
  plan.cases.push_back(
      {catalog.workload("gemv"), catalog.policy("pinned_zero_copy"), &weights, Start::steady});
  Plan alone = Plan();
  alone.cases = plan.cases;
  spread_over({}, alone);
  ASSERT_EQ(alone.cases.size(), 1U);
  EXPECT_EQ(alone.cases.front().name(), "gemv/pinned_zero_copy/w/steady");

  spread_over(gpu_sets({0, 1}), plan);
  ASSERT_EQ(plan.cases.size(), 3U);
  EXPECT_EQ(plan.cases[0].name(), "gemv/pinned_zero_copy/w/steady/gpus:0");
  EXPECT_EQ(plan.cases[1].name(), "gemv/pinned_zero_copy/w/steady/gpus:1");
  EXPECT_EQ(plan.cases[2].name(), "gemv/pinned_zero_copy/w/steady/gpus:0+1");
  EXPECT_FALSE(plan.cases[1].together());
  EXPECT_TRUE(plan.cases[2].together());
}

// Every GPU that runs a case has its weights, and a master copy of them.
TEST(GpuSets, TakeHostMemoryForEachGpu) {
  const Catalog catalog = testing::fake_catalog();
  const WeightSet weights{"w", {{"w", DType::bf16, 1024, 1024}}};
  Plan one;
  one.cases.push_back(
      {catalog.workload("gemv"), catalog.policy("pinned_zero_copy"), &weights, Start::steady});
  Plan three;
  three.cases = one.cases;
  spread_over(gpu_sets({0, 1, 2}), three);
  EXPECT_EQ(peak_memory(three).host, 3 * peak_memory(one).host);
  EXPECT_EQ(peak_memory(three).device, peak_memory(one).device);
}

/// Two nodes of four CPUs each; a GPU at each of `homes`.
std::vector<Platform> numa_machines(const std::vector<int>& homes) {
  std::vector<Platform> machines;
  for (const int home : homes) {
    Platform machine = testing::gpu_machine();
    machine.gpu->pci.numa_node = home;
    machine.host.settings.nodes = {{.id = 0,
                                    .memory_bytes = 64 * gib,
                                    .available_bytes = 60 * gib,
                                    .cpus = {0, 1, 2, 3},
                                    .gpu_memory = {},
                                    .distances = {10, 21}},
                                   {.id = 1,
                                    .memory_bytes = 64 * gib,
                                    .available_bytes = 60 * gib,
                                    .cpus = {4, 5, 6, 7},
                                    .gpu_memory = {},
                                    .distances = {21, 10}}};
    machines.push_back(machine);
  }
  return machines;
}

using Shares = std::vector<std::vector<int>>;

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

TEST(SharesOfTheHost, AreTheCpusNearestToEachGpu) {
  EXPECT_EQ(divide_cpus(numa_machines({0, 1}), numbers(8)), (Shares{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(divide_cpus(numa_machines({1, 0}), numbers(8)), (Shares{{4, 5, 6, 7}, {0, 1, 2, 3}}));
  // Both are as near to every CPU, so both sockets are divided.
  EXPECT_EQ(divide_cpus(numa_machines({0, 0}), numbers(8)), (Shares{{0, 1, 4, 5}, {2, 3, 6, 7}}));
  EXPECT_EQ(divide_cpus(numa_machines({0, 0, 1, 1}), numbers(8)),
            (Shares{{0, 1}, {2, 3}, {4, 5}, {6, 7}}));
}

TEST(SharesOfTheHost, AreOfTheCpusThatThisProcessMayUse) {
  EXPECT_EQ(divide_cpus(numa_machines({0, 1}), {0, 1, 5}), (Shares{{0, 1}, {5}}));
  // Nobody goes without.
  EXPECT_EQ(divide_cpus(numa_machines({0, 1}), {0, 1, 2}), (Shares{{0, 1}, {2}}));
  EXPECT_EQ(divide_cpus(numa_machines({0, 1}), {3}), (Shares{{3}, {3}}));
}

TEST(SharesOfTheHost, AreEvenWhereNothingSaysWhatIsNear) {
  EXPECT_EQ(divide_cpus(two_machines(), numbers(4)), (Shares{{0, 1}, {2, 3}}));
}

TEST(SharesOfTheHost, FollowTheNodeThatMemoryIsBoundTo) {
  std::vector<Platform> machines = numa_machines({0, 1});
  for (Platform& machine : machines) machine.host.bound_node = 1;
  EXPECT_EQ(divide_cpus(machines, {4, 5, 6, 7}), (Shares{{4, 5}, {6, 7}}));
}

TEST(SharesOfTheHost, DivideTheMemoryThatCanBeHad) {
  Platform machine = testing::gpu_machine();
  machine.host.cgroup_limit_bytes = 50 * gib;
  machine.host.cgroup_used_bytes = 10 * gib;
  const Platform half = with_share(machine, 2, 8);
  EXPECT_EQ(half.host.available_bytes, machine.host.available_bytes / 2);
  EXPECT_EQ(half.host.cgroup_limit_bytes, 30 * gib);  // what is used, and half of what is left
  EXPECT_EQ(half.host.logical_cpus, 8);
  EXPECT_EQ(half.host.memory_bytes, machine.host.memory_bytes);
}

TEST(SharesOfTheHost, AreAllOfItForOneGpu) {
  const std::vector<MachineShare> shares = divide_host({testing::gpu_machine()}, numbers(4));
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_EQ(shares[0].machine.host.available_bytes, testing::gpu_machine().host.available_bytes);
  EXPECT_EQ(shares[0].machine.host.logical_cpus, testing::gpu_machine().host.logical_cpus);
  EXPECT_TRUE(shares[0].cpus.empty());
}

}  // namespace
}  // namespace offload
