// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/host_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "bench/core/cpus.hpp"
#include "bench/policies/parts/host_home.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

constexpr int unused_cpu = 1'000'000;

/// Two sockets with a GPU at the second, whose memory is a node, an empty one that waits for MIG,
/// and an expander.
Platform two_sockets() {
  Platform platform;
  Gpu& gpu = platform.gpu.emplace();
  gpu.pci.numa_node = 1;
  platform.host.available_bytes = 700 * GiB;
  platform.host.settings.nodes = {
      {0, 480 * GiB, 300 * GiB, {unused_cpu}, false, {10, 40, 120, 80, 50}},
      {1, 480 * GiB, 200 * GiB, host::affinity_cpus(), false, {40, 10, 80, 120, 60}},
      {2, 96 * GiB, 90 * GiB, {}, true, {}},
      {3, 0, 0, {}, false, {}},
      {4, 128 * GiB, 128 * GiB, {}, false, {}}};
  return platform;
}

std::string complaint(std::string_view asked, const Platform& platform) {
  try {
    return "taken: " + std::to_string(find_host_node(asked, platform));
  } catch (const UsageError& error) {
    return error.what();
  }
}

TEST(HostNode, IsNamedByPlaceOrNumber) {
  EXPECT_EQ(find_host_node("local", two_sockets()), 1);
  EXPECT_EQ(find_host_node("remote", two_sockets()), 4);  // 60 away from node 1, node 0 is 40
  EXPECT_EQ(find_host_node("0", two_sockets()), 0);
}

TEST(HostNode, OfNoGpuIsThatOfTheProcesssCpus) {
  Platform platform = two_sockets();
  platform.gpu.reset();
  EXPECT_THAT(complaint("local", platform), HasSubstr("nothing says which node"));
  platform.host.settings.cpu_nodes = std::vector<int>{0};
  EXPECT_EQ(find_host_node("local", platform), 0);
  platform.host.settings.cpu_nodes = std::vector<int>{0, 1};
  EXPECT_EQ(local_node(platform), std::nullopt);
}

TEST(HostNode, RefusesWhatCannotHoldHostMemory) {
  Platform platform = two_sockets();
  EXPECT_EQ(complaint("7", platform),
            "--host-numa 7: no such node; this machine has 0, 1, 2, 3, 4");
  EXPECT_EQ(complaint("2", platform), "--host-numa 2: this node is memory of a GPU");
  EXPECT_EQ(complaint("3", platform), "--host-numa 3: this node has no memory");
  EXPECT_THAT(complaint("near", platform), HasSubstr("local, remote or the number"));
  EXPECT_THAT(complaint("-1", platform), HasSubstr("local, remote or the number"));
  platform.host.last_level_cache_bytes = 50 * GiB;
  EXPECT_EQ(complaint("4", platform),
            "--host-numa 4: this node has 128 GiB available; measuring takes 200 GiB to flush the "
            "CPU's caches and to calibrate");
  platform.host.last_level_cache_bytes.reset();
  platform.host.settings.memory_nodes = std::vector<int>{1};
  EXPECT_THAT(complaint("0", platform), HasSubstr("may not use its memory"));
  platform.host.settings.nodes.resize(2);
  platform.host.settings.nodes[0].memory_bytes = 0;
  EXPECT_THAT(complaint("remote", platform), HasSubstr("no other node with host memory"));
}

/// What the kernel was asked for, and answers.
struct FakeKernel {
  int refuses_memory = 0;
  int refuses_cpus = 0;
  std::vector<std::pair<int, bool>> memory;
  std::vector<std::vector<int>> cpus;

  NodeCalls calls() {
    return {[this](int node, bool from_no_other) {
              memory.emplace_back(node, from_no_other);
              return refuses_memory;
            },
            [this](const std::vector<int>& wanted) {
              cpus.push_back(wanted);
              return refuses_cpus;
            }};
  }
};

Platform moved_to(const Platform& machine, std::string_view asked, FakeKernel& kernel) {
  const Platform platform = bound_to_host_node(machine, asked);
  EXPECT_TRUE(kernel.memory.empty() && kernel.cpus.empty()) << "a plan asks the kernel for nothing";
  move_to_host_node(platform, kernel.calls());
  return platform;
}

TEST(HostNode, BindsMemoryAndCpus) {
  FakeKernel kernel;
  const Platform platform = moved_to(two_sockets(), "local", kernel);
  EXPECT_EQ(kernel.memory, (std::vector<std::pair<int, bool>>{{1, true}}));
  EXPECT_EQ(kernel.cpus, std::vector<std::vector<int>>{host::affinity_cpus()});
  EXPECT_THAT(platform.host.bound_node, Optional(1));
  EXPECT_EQ(platform.host.available_bytes, 200 * GiB);
  EXPECT_EQ(platform.host.logical_cpus, static_cast<int>(host::affinity_cpus().size()));
}

TEST(HostNode, WithoutCpusOfThisProcessLeavesWorkersWhereTheyAre) {
  for (const char* node : {"0", "4"}) {
    FakeKernel kernel;
    moved_to(two_sockets(), node, kernel);
    EXPECT_EQ(kernel.memory.size(), 1U);
    EXPECT_TRUE(kernel.cpus.empty());
  }
}

TEST(HostNode, ByDefaultIsTheGpusOwnAsLongAsThereIsMemory) {
  FakeKernel kernel;
  kernel.refuses_memory = EPERM;  // which nobody asked for, so nobody is told
  const Platform platform = moved_to(two_sockets(), "", kernel);
  EXPECT_EQ(kernel.memory, (std::vector<std::pair<int, bool>>{{1, false}}));
  EXPECT_TRUE(kernel.cpus.empty());
  EXPECT_EQ(platform.host.bound_node, std::nullopt);
  EXPECT_EQ(platform.host.available_bytes, 700 * GiB);

  Platform one_node = two_sockets();
  one_node.gpu->pci.numa_node = 0;
  one_node.host.settings.nodes.resize(1);
  FakeKernel untouched;
  moved_to(one_node, "", untouched);
  EXPECT_TRUE(untouched.memory.empty());
}

TEST(HostNode, OfPagesThatComeHomeIsNamedWhereTheDriverKnowsIt) {
  Platform platform = two_sockets();
  const auto node = [&platform] { return host_home(platform).node; };
  EXPECT_EQ(host_home(platform).processor, cuda::Processor::cpu);
  EXPECT_EQ(node(), std::nullopt);  // a driver of which nothing is known
  platform.gpu->driver_version = 12020;
  EXPECT_EQ(node(), std::nullopt);
  platform.gpu->memory_model.host_numa_id = 0;
  EXPECT_EQ(node(), 1);  // the nearest to the GPU, by PCI Express
  EXPECT_EQ(host_home(bound_to_host_node(platform, "remote")).node, 4);
  platform.gpu->driver_version = 12010;
  EXPECT_EQ(host_home(bound_to_host_node(platform, "remote")).node, std::nullopt);
  platform.gpu->driver_version = 13000;
  platform.host.settings.nodes.resize(3);
  platform.host.settings.nodes.erase(platform.host.settings.nodes.begin());
  EXPECT_EQ(node(), std::nullopt) << "one node and a GPU's memory leave no choice";
  EXPECT_EQ(host_home(bound_to_host_node(platform, "1")).node, 1);
}

TEST(HostNode, SaysWhatTheKernelRefuses) {
  for (const bool memory : {true, false}) {
    FakeKernel kernel;
    (memory ? kernel.refuses_memory : kernel.refuses_cpus) = EPERM;
    try {
      moved_to(two_sockets(), "1", kernel);
      ADD_FAILURE() << "taken";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), HasSubstr(memory ? "set_mempolicy" : "sched_setaffinity"));
      EXPECT_THAT(error.what(), HasSubstr("Operation not permitted; a container needs"));
    }
  }
}

}  // namespace
}  // namespace offload
