// SPDX-License-Identifier: Apache-2.0
// What memory-cost makes of the accounts of memory, with allocators and accounts on paper,
// and the two allocators that need no GPU for real.
#include "bench/measure/memory_cost.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>

#include "bench/core/huge_page.hpp"
#include "bench/core/text.hpp"
#include "bench/report/memory_cost_table.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

using testing::cpu_machine;
using testing::gib;
using testing::gpu_machine;
using testing::message_of;
using testing::mib;

std::string huge_pages_advised() {
  return "malloc, " + format_size_rounded(huge_page_bytes()) + " pages advised";
}

/// A machine whose memory is a number: allocators of it take and give back by arithmetic.
class PaperMachine {
 public:
  /// Takes `host` and `device` bytes for each byte asked, and gives all but `kept` of them back.
  HostAllocator allocator(const std::string& name, std::size_t host, std::size_t device = 0,
                          std::size_t kept = 0) {
    const auto allocate = [this, host, device, kept](std::size_t bytes) -> TensorMemory {
      free_ -= host * bytes;
      device_free_ -= device * bytes;
      held_ += bytes;
      max_held_ = std::max(max_held_, held_);
      auto memory = std::make_shared<std::vector<std::byte>>(bytes);
      std::byte* data = memory->data();
      return {data, {data, [this, memory, bytes, host, device, kept](const void*) {
                       free_ += (host - kept) * bytes;
                       device_free_ += device * bytes;
                       held_ -= bytes;
                       last_ = memory->front();
                     }}};
    };
    return {name, Support::yes(), false, [host](std::size_t bytes) { return host * bytes; },
            allocate};
  }

  MemoryCostContext context() {
    return {[this] {
              return MemoryLevels{{free_, std::nullopt, 64 * gib - free_}, device_free_};
            },
            [this](const std::string&) { ++checkpoints_; }, [this] { ++waits_; }, 16 * mib,
            8 * mib};
  }

  std::size_t free_ = 32 * gib;
  std::size_t device_free_ = 32 * gib;
  std::size_t held_ = 0;
  std::size_t max_held_ = 0;
  std::size_t checkpoints_ = 0;
  std::size_t waits_ = 0;
  std::byte last_{};
};

const std::vector<CostTensors> toy{{"toy", {2 * mib, 8192, mib}}};
constexpr std::size_t toy_bytes = 3 * mib + 8192;

struct Outcome {
  std::vector<MemoryCost> costs;
  std::vector<SkippedCase> skipped;
};

Outcome measured(const std::vector<HostAllocator>& allocators, const MemoryCostContext& context) {
  Outcome outcome;
  measure_memory_costs(allocators, toy, context, outcome.costs,
                       [&](SkippedCase skipped) { outcome.skipped.push_back(std::move(skipped)); });
  return outcome;
}

TEST(MemoryCost, IsWhatTheAccountsDifferBy) {
  PaperMachine machine;
  const Outcome outcome = measured(
      {machine.allocator("plain", 1), machine.allocator("double", 2, 3)}, machine.context());
  ASSERT_EQ(outcome.costs.size(), 2U);
  const MemoryCost& plain = outcome.costs[0];
  EXPECT_EQ(plain.allocator, "plain");
  EXPECT_EQ(plain.weights, "toy");
  EXPECT_EQ(plain.tensors, 3U);
  EXPECT_EQ(plain.asked, toy_bytes);
  EXPECT_EQ(plain.rounded, toy_bytes);
  EXPECT_EQ(plain.taken.host, toy_bytes);
  EXPECT_EQ(plain.taken.charged, toy_bytes);
  EXPECT_EQ(plain.taken.resident, std::nullopt);  // this machine has no such account
  EXPECT_EQ(plain.taken.device, 0);
  EXPECT_EQ(plain.kept.host, 0);
  EXPECT_GT(plain.seconds, 0);
  const MemoryCost& twice = outcome.costs[1];
  EXPECT_EQ(twice.asked, toy_bytes);
  EXPECT_EQ(twice.taken.host, 2 * toy_bytes);
  EXPECT_EQ(twice.taken.device, 3 * toy_bytes);
  EXPECT_EQ(twice.kept.device, 0);
}

TEST(MemoryCost, HoldsAllTensorsAtOnceAndFreesThem) {
  PaperMachine machine;
  const Outcome outcome = measured({machine.allocator("plain", 1)}, machine.context());
  EXPECT_EQ(machine.max_held_, toy_bytes);
  EXPECT_EQ(machine.held_, 0U);
  EXPECT_EQ(machine.last_, std::byte{1});  // touched
  EXPECT_EQ(machine.waits_, 0U);
}

TEST(MemoryCost, WaitsForWhatDoesNotComeBackAndTellsOfIt) {
  PaperMachine machine;
  const Outcome outcome = measured({machine.allocator("greedy", 3, 0, 1)}, machine.context());
  ASSERT_EQ(outcome.costs.size(), 1U);
  EXPECT_EQ(outcome.costs[0].taken.host, 3 * toy_bytes);
  EXPECT_EQ(outcome.costs[0].kept.host, toy_bytes);
  EXPECT_GT(machine.waits_, 1U);
}

TEST(MemoryCost, AFailureLeavesTheOthers) {
  PaperMachine machine;
  HostAllocator broken = machine.allocator("broken", 1);
  broken.allocate = [whole = broken.allocate](std::size_t bytes) {
    if (bytes == mib) throw std::runtime_error("no more");  // the last of them
    return whole(bytes);
  };
  const Outcome outcome = measured({broken, machine.allocator("plain", 1)}, machine.context());
  ASSERT_EQ(outcome.costs.size(), 2U);
  EXPECT_EQ(outcome.costs[0].failure, "no more");
  EXPECT_EQ(outcome.costs[0].taken.host, std::nullopt);
  EXPECT_EQ(outcome.costs[1].failure, "");
  EXPECT_EQ(outcome.costs[1].taken.host, toy_bytes);
  EXPECT_EQ(machine.held_, 0U);
}

TEST(MemoryCost, ADeadContextEndsIt) {
  PaperMachine machine;
  HostAllocator dead = machine.allocator("dead", 1);
  dead.allocate = [](std::size_t) -> TensorMemory { throw CudaError("gone", true, false); };
  EXPECT_EQ(message_of<CudaError>([&] {
              static_cast<void>(measured({dead, machine.allocator("plain", 1)}, machine.context()));
            }),
            "gone");
}

TEST(MemoryCost, WhatCannotRunOrDoesNotFitIsSkippedUnallocated) {
  PaperMachine machine;
  HostAllocator absent = machine.allocator("absent", 1);
  absent.support = Support::no("no GPU: none");
  absent.rounded = [](std::size_t) -> std::size_t { throw std::logic_error("asked anyway"); };
  HostAllocator managed = machine.allocator("managed", 3);  // 9 MiB of the GPU's 8
  managed.managed = true;
  const std::vector<HostAllocator> none{absent, machine.allocator("huge", 6), managed};
  const Outcome outcome = measured(none, machine.context());
  EXPECT_TRUE(outcome.costs.empty());
  EXPECT_EQ(machine.max_held_, 0U);
  ASSERT_EQ(outcome.skipped.size(), 3U);
  EXPECT_EQ(outcome.skipped[0].name, "host_memory_cost/absent");
  EXPECT_EQ(outcome.skipped[0].policy, "absent");
  EXPECT_EQ(outcome.skipped[0].weights, "toy");
  EXPECT_EQ(outcome.skipped[0].reason, "no GPU: none");
  EXPECT_TRUE(outcome.skipped[1].reason.starts_with("needs 18 MiB of host memory and only 16 MiB"))
      << outcome.skipped[1].reason;
  EXPECT_TRUE(outcome.skipped[2].reason.starts_with("would oversubscribe the GPU"))
      << outcome.skipped[2].reason;
}

TEST(MemoryCost, TheCheckpointCanEndItBetweenTwoTensors) {
  PaperMachine machine;
  MemoryCostContext context = machine.context();
  context.checkpoint = [&](const std::string&) {
    if (machine.held_ == 2 * mib + 8192) throw 2;  // before the third
  };
  std::vector<MemoryCost> costs;
  const std::vector<HostAllocator> one{machine.allocator("plain", 1)};
  EXPECT_THROW(measure_memory_costs(one, toy, context, costs, [](const SkippedCase&) {}), int);
  EXPECT_TRUE(costs.empty());
  EXPECT_EQ(machine.held_, 0U);
}

const HostAllocator& named(const std::vector<HostAllocator>& allocators, std::string_view name) {
  for (const HostAllocator& allocator : allocators) {
    if (allocator.name == name) return allocator;
  }
  throw std::logic_error(std::string(name));
}

TEST(HostAllocators, SayWhyTheyCannotRun) {
  Platform platform = cpu_machine();
  platform.host.transparent_hugepages = "never";
  for (const HostAllocator& allocator : host_allocators(platform)) {
    const std::string& reason = allocator.support.reason();
    if (allocator.name == "malloc") {
      EXPECT_EQ(reason, "");
    } else if (allocator.name == huge_pages_advised()) {
      EXPECT_EQ(reason, "the kernel gives no transparent huge pages: their setting is never");
    } else {
      EXPECT_EQ(reason, "no GPU: no CUDA driver") << allocator.name;
    }
  }
  platform.host.transparent_hugepages = "madvise";
  EXPECT_TRUE(named(host_allocators(platform), huge_pages_advised()).support);
}

TEST(HostAllocators, RoundAsTheirGranuleDoes) {
  const Platform platform = gpu_machine();
  const auto allocators = host_allocators(platform);
  const auto& pinned = named(allocators, "cudaHostAlloc mapped");
  EXPECT_EQ(pinned.rounded(5 * mib), 5 * mib);
  const auto& torch =
      named(allocators, "cudaHostAlloc, sizes rounded up to powers of two, as PyTorch");
  EXPECT_EQ(torch.rounded(5 * mib), 8 * mib);
  EXPECT_EQ(torch.rounded(8 * mib), 8 * mib);
}

/// Memory of this process, by the account that nobody else moves.
TEST(HostAllocators, MallocTakesWhatIsAskedAndGivesItBack) {
  Platform platform = cpu_machine();
  platform.host.transparent_hugepages = "madvise";
  const auto all = host_allocators(platform);
  const std::vector<HostAllocator> two{named(all, "malloc"), named(all, huge_pages_advised())};
  const std::vector<CostTensors> tensors{{"toy", {24 * mib, 8192, 8 * mib + 1}}};
  const MemoryCostContext context{[&] { return memory_levels(platform); },
                                  [](const std::string&) {}, [] {}, gib, std::nullopt};
  std::vector<MemoryCost> costs;
  measure_memory_costs(two, tensors, context, costs, [](const SkippedCase&) {});
  ASSERT_EQ(costs.size(), 2U);
  for (const MemoryCost& cost : costs) {
    EXPECT_EQ(cost.failure, "");
    EXPECT_EQ(cost.asked, 32 * mib + 8193);
    EXPECT_EQ(cost.rounded, 32 * mib + whole_pages(8192) + whole_pages(1));
    if (!cost.taken.resident) GTEST_SKIP() << "no account of the resident set here";
    // Counted in batches, neighbours share huge pages, and a sanitizer keeps an eighth as shadow.
    constexpr std::int64_t slack = 6 * mib;
    EXPECT_NEAR(static_cast<double>(*cost.taken.resident), static_cast<double>(cost.rounded), slack)
        << cost.allocator;
    EXPECT_LT(*cost.kept.resident, slack) << cost.allocator;
  }
}

class MemoryUseFiles : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "proc/self"); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::filesystem::path root_ =
      std::filesystem::path(::testing::TempDir()) /
      ("memory_use_" +
       std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
};

TEST_F(MemoryUseFiles, NothingThereIsNothingKnown) {
  const MemoryUse use = read_memory_use(root_, {});
  EXPECT_FALSE(use.available || use.resident || use.charged);
}

TEST_F(MemoryUseFiles, ReadsTheThreeAccounts) {
  write("proc/meminfo", "MemTotal:       1000 kB\nMemAvailable:    300 kB\n");
  write("proc/self/status", "Name:\tx\nVmHWM:\t  90 kB\nVmRSS:\t  80 kB\n");
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/memory.current", "4096\n");
  const MemoryUse use = read_memory_use(root_, {});
  EXPECT_EQ(use.available, 300U * 1024);
  EXPECT_EQ(use.resident, 80U * 1024);
  EXPECT_EQ(use.charged, 4096U);  // the group above, where its own cannot be seen
  write("sys/fs/cgroup/a/b/memory.current", "512\n");
  EXPECT_EQ(read_memory_use(root_, {}).charged, 512U);
}

TEST_F(MemoryUseFiles, FreePagesThatEachCpuKeepsAreAvailable) {
  write("proc/meminfo", "MemAvailable:    300 kB\n");
  write("proc/zoneinfo",
        "Node 0, zone   Normal\n  pages free     7000\n        high     900\n  pagesets\n"
        "    cpu: 0\n              count:    21\n              high:     378\n"
        "    cpu: 1\n              count:    4\n              high:     378\n");
  EXPECT_EQ(read_memory_use(root_, {}).available, 300U * 1024 + 25 * whole_pages(1));
}

TEST_F(MemoryUseFiles, WhatIsFreeOfAGpusMemoryIsNotTheHosts) {
  write("proc/meminfo", "MemAvailable:    900 kB\n");
  write("proc/zoneinfo",
        "Node 0, zone   Normal\n  pagesets\n    cpu: 0\n              count:    21\n"
        "Node 10, zone  Movable\n  pagesets\n    cpu: 0\n              count:    1000\n"
        "Node 2, zone   Normal\n  pagesets\n    cpu: 0\n              count:    4\n");
  write("sys/devices/system/node/node10/meminfo",
        "Node 10 MemTotal:       800 kB\nNode 10 MemFree:        500 kB\n"
        "Node 10 Active(file):    60 kB\nNode 10 Inactive(file): 40 kB\n");
  EXPECT_EQ(read_memory_use(root_, {10}).available, 300U * 1024 + 25 * whole_pages(1));
}

Options of_model(std::uint64_t slice) {
  Options options;
  options.models = {"llama3.1-8b"};
  options.slice_bytes = slice;
  return options;
}

// Llama 3.1 8B: hidden size 4096, feed-forward 14336, 32 query and 8 key-value heads of 128, bf16.
TEST(CostTensors, AreThoseOfTheLayersMeasured) {
  Options options = of_model(1);  // two layers at least
  const auto tensors = cost_tensors(options, cpu_machine().host);
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors[0].model, "llama3.1-8b");
  std::vector<std::size_t> sorted = tensors[0].bytes;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t qkv = std::size_t{4096} * (4096 + 2 * 1024) * 2;
  const std::size_t down = std::size_t{4096} * 14336 * 2;
  EXPECT_EQ(sorted, (std::vector<std::size_t>{8192, 8192, 8192, 8192, 32 * mib, 32 * mib, qkv, qkv,
                                              down, down, 2 * down, 2 * down}));
  options.checkpoint_shapes = true;
  EXPECT_EQ(cost_tensors(options, cpu_machine().host)[0].bytes.size(), 18U);
  EXPECT_EQ(cost_tensors(options, cpu_machine().host)[0].total(), tensors[0].total());
}

TEST(CostTensors, FollowTheRules) {
  Options options = of_model(gib);
  options.models = {"mixtral-8x7b"};
  options.rules.n_cpu_moe = 1;
  // The experts of one layer: w13 and w2 of 8 experts, 3 x 4096 x 14336 bf16 each.
  const auto tensors = cost_tensors(options, cpu_machine().host);
  EXPECT_EQ(tensors[0].bytes.size(), 2U);
  EXPECT_EQ(tensors[0].total(), std::size_t{8} * 3 * 4096 * 14336 * 2);
  options.rules.n_cpu_moe = 0;
  EXPECT_EQ(message_of<UsageError>([&] { cost_tensors(options, cpu_machine().host); }),
            "memory cost: nothing of mixtral-8x7b is offloaded");
}

TEST(CostTensors, AreRefusedWhereTheyDoNotFit) {
  Host host = cpu_machine().host;
  host.available_bytes = 512 * mib;
  const std::string message =
      message_of<UsageError>([&] { cost_tensors(of_model(2 * gib), host); });
  EXPECT_NE(message.find("llama3.1-8b"), std::string::npos) << message;
  EXPECT_NE(message.find("384 MiB can be taken"), std::string::npos) << message;  // less a quarter
  EXPECT_NE(message.find("--slice"), std::string::npos) << message;
}

MemoryCost cost_of(const std::string& allocator, std::size_t host, std::int64_t device) {
  MemoryCost cost;
  cost.allocator = allocator;
  cost.weights = "toy";
  cost.tensors = 3;
  cost.asked = gib;
  cost.rounded = host;
  cost.taken = {static_cast<std::int64_t>(host), 0, std::nullopt, device};
  cost.kept = {0, 0, std::nullopt, 0};
  cost.seconds = 0.5;
  return cost;
}

std::string page_of(const std::vector<MemoryCost>& costs) {
  Page page(Page::Style::markdown);
  write_memory_costs(page, costs);
  return page.text();
}

TEST(MemoryCostTable, SaysWhoTakesMost) {
  std::vector<MemoryCost> costs{cost_of("plain", gib, 0), cost_of("rounding", 15 * gib / 8, 0)};
  std::string text = page_of(costs);
  EXPECT_NE(text.find("rounding takes most host memory, 1.88x what was asked; plain takes least, "
                      "1.00x, which is 896 MiB less; none of it counts as GPU memory"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| 0.500 | rounding |"), std::string::npos) << text;
  EXPECT_EQ(text.find("good to no better"), std::string::npos) << text;

  costs[1].taken.device = gib / 2;
  costs[0].kept.host = -std::int64_t{gib / 4};
  text = page_of(costs);
  EXPECT_NE(text.find("; rounding takes 512 MiB of GPU memory as well"), std::string::npos) << text;
  EXPECT_NE(text.find("plain: with all freed again the machine had 256 MiB more free"),
            std::string::npos)
      << text;
}

TEST(MemoryCostTable, ClaimsNoDifferenceBelowWhatTheMachineMovesByItself) {
  std::vector<MemoryCost> costs{cost_of("plain", gib, 0), cost_of("rounding", 5 * gib / 4, 0)};
  EXPECT_NE(page_of(costs).find("rounding takes most"), std::string::npos);
  costs[1].kept.host = gib / 2;
  EXPECT_NE(page_of(costs).find("do not distinguish the allocators"), std::string::npos);
  costs[1] = cost_of("same", gib + gib / 50, 0);
  EXPECT_NE(page_of(costs).find("as much host memory as the next, 1.02x"), std::string::npos);
}

TEST(MemoryCostTable, AFailureAndAMissingAccountAreNoFigures) {
  MemoryCost failed = cost_of("broken", 0, 0);
  failed.taken = failed.kept = {};
  failed.failure = "no more";
  MemoryCost blind = cost_of("blind", gib, 0);
  blind.taken = {std::nullopt, gib, std::nullopt, std::nullopt};
  const std::string text = page_of({failed, blind});
  EXPECT_NE(text.find("broken: FAILED, no more"), std::string::npos) << text;
  EXPECT_NE(text.find("| 1 GiB | - | - | 1 GiB | - | - | 0.500 | blind |"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("takes most"), std::string::npos) << text;
  EXPECT_EQ(text.find("counts as GPU"), std::string::npos) << text;
  EXPECT_EQ(page_of({}), "\n");
}

}  // namespace
}  // namespace offload
