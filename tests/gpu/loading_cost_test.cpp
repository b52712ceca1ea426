// SPDX-License-Identifier: Apache-2.0
// Every way of loading a file that this GPU offers, for real: it reads what was written.
#include <gtest/gtest.h>

#include <filesystem>

#include "bench/measure/loading_cost.hpp"
#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

TEST(LoadingOnGpu, EachWayReadsWhatTheFileHolds) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  HostWorkers workers;
  const std::vector<LoadingWay> ways = loading_ways(platform, workers);
  const LoadingContext context{workers, std::filesystem::temp_directory_path().string(), 65 * MiB,
                               [](const std::string&) {}};
  std::vector<LoadingCost> costs;
  std::size_t skipped = 0;
  measure_loading(ways, context, costs, [&](const SkippedCase&) { ++skipped; });
  EXPECT_EQ(costs.size() + skipped, 2 * ways.size());
  std::size_t on_gpu = 0;
  for (const LoadingCost& cost : costs) {
    SCOPED_TRACE(cost.way + ", " + cost.start);
    EXPECT_EQ(cost.failure, "");
    EXPECT_EQ(cost.bytes, 65 * MiB);
    EXPECT_EQ(cost.samples.size(), 3U);
    if (cost.start == "warm" && cost.way.find("CPU") == std::string::npos) ++on_gpu;
  }
  EXPECT_GE(on_gpu, 2U);  // read() into cudaHostAlloc, and mmap with a copy
}

}  // namespace
}  // namespace offload
