// SPDX-License-Identifier: Apache-2.0
// The allocators that need a GPU, for real: each takes at least what was asked, by one account or
// another, and gives it back.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/measure/memory_cost.hpp"
#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

TEST(MemoryCostOnGpu, EachAllocatorTakesWhatIsAskedAndGivesItBack) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  // 387 MiB in sizes that no granule divides: powers of two make 768 MiB of them.
  const std::vector<CostTensors> tensors{
      {"toy", {257 * mib, 8192, 65 * mib, 65 * mib, std::size_t{1000} * 7 * 2}}};
  const std::size_t asked = tensors.front().total();
  const MemoryCostContext context{
      [&] { return memory_levels(platform); }, [](const std::string&) {},
      [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }, std::size_t{4} << 30,
      std::nullopt};
  std::vector<MemoryCost> costs;
  measure_memory_costs(host_allocators(platform), tensors, context, costs,
                       [](const SkippedCase&) {});
  ASSERT_GE(costs.size(), 4U);  // malloc, and three ways of cudaHostAlloc
  // Available memory is the machine's: others move it too, so what is held against it is large.
  const auto slack = static_cast<std::int64_t>(asked / 10);
  for (const MemoryCost& cost : costs) {
    SCOPED_TRACE(cost.allocator);
    EXPECT_EQ(cost.failure, "");
    EXPECT_EQ(cost.asked, asked);
    EXPECT_GE(cost.rounded, asked);
    if (cost.allocator.find("powers of two") != std::string::npos) {
      EXPECT_GT(cost.rounded, asked * 7 / 4);
    }
    const auto expected = static_cast<std::int64_t>(cost.rounded) - slack;
    EXPECT_GE(std::max(cost.taken.host.value_or(0), cost.taken.resident.value_or(0)), expected);
    EXPECT_LE(cost.kept.host.value_or(0), slack);
    EXPECT_LE(cost.kept.resident.value_or(0), slack);
    ASSERT_NE(cost.kept.device.has_value(), one_memory(platform));
    EXPECT_LE(cost.kept.device.value_or(0), slack);
    EXPECT_GT(cost.seconds, 0);
  }
}

}  // namespace
}  // namespace offload
