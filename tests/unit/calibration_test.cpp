// SPDX-License-Identifier: Apache-2.0
// What can be said of the calibration without measuring: how much it reads, and when two things
// count as done at once.
#include "bench/measure/calibration.hpp"

#include "bench/measure/timed.hpp"
#include "offload/units.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace offload {
namespace {

Host host(std::size_t cache, std::size_t available) {
  Host host;
  host.last_level_cache_bytes = cache;
  host.memory_bytes = host.available_bytes = available;
  return host;
}

TEST(HostReadBytes, AreFourTimesTheCacheWhereThatIsReasonable) {
  for (const std::size_t cache : {32 * MiB, 300 * MiB, 512 * MiB}) {
    EXPECT_GE(host_read_bytes(host(cache, 64 * 1024 * MiB)), 4 * cache) << cache;
  }
  Host unknown = host(0, 64 * 1024 * MiB);
  unknown.last_level_cache_bytes.reset();
  EXPECT_GE(host_read_bytes(unknown), 256 * MiB);
}

TEST(HostReadBytes, StayWithinMemoryAndReason) {
  EXPECT_LE(host_read_bytes(host(2304 * MiB, 512 * 1024 * MiB)), 4096 * MiB);
  for (const std::size_t available : {256 * MiB, 1024 * MiB, 3072 * MiB}) {
    const std::size_t bytes = host_read_bytes(host(300 * MiB, available));
    EXPECT_GT(bytes, 0U);
    EXPECT_LE(bytes, std::max(available / 4, 4 * MiB)) << available;
  }
  Host limited = host(300 * MiB, 64 * 1024 * MiB);
  limited.cgroup_limit_bytes = 2048 * MiB;
  EXPECT_LE(host_read_bytes(limited), 512 * MiB);
}

/// Two streams on one memory: alone each takes its seconds, at once both take twice as long.
Beside shared(double timed, double company) {
  const double shorter = std::min(timed, company);
  const double both = 2 * shorter;
  if (timed <= company) return {both, both + company - shorter};
  return {both + timed - shorter, both};
}

TEST(SecondsBeside, CountsOnlyWithCompanyAllTheTime) {
  for (const double each : {0.01, 0.3, 1.0, 7.0}) {
    for (const std::size_t guess : {1UL, 2UL, 9UL}) {
      const auto seconds = seconds_beside(guess, [each](std::size_t times) {
        return shared(1.0, each * static_cast<double>(times));
      });
      if (seconds) {
        EXPECT_DOUBLE_EQ(*seconds, 2.0) << each << ", " << guess;
      } else {
        EXPECT_LT(each * static_cast<double>(guess), 0.1) << "far too little to begin with";
      }
    }
  }
}

TEST(SecondsBeside, SaysNothingWhereTheCompanyNeverLasts) {
  std::vector<std::size_t> asked;
  const auto seconds = seconds_beside(1, [&asked](std::size_t times) {
    asked.push_back(times);
    return Beside{1.0, 0.5};
  });
  EXPECT_FALSE(seconds);
  EXPECT_LT(asked.size(), 20U);
  EXPECT_TRUE(std::is_sorted(asked.begin(), asked.end()));
}

}  // namespace
}  // namespace offload
