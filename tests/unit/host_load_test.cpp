// SPDX-License-Identifier: Apache-2.0
// Who else uses the host: the files of made-up machines, and this one's.
#include "bench/platform/host_load.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "bench/measure/host_watch.hpp"
#include "tests/unit/fake_root.hpp"

namespace offload {
namespace {

using testing::Root;
constexpr std::array<int, 2> both{0, 2};

double ticks(double count) { return count / static_cast<double>(sysconf(_SC_CLK_TCK)); }

TEST(HostLoad, AddsUpTheTimesOfTheCpusAskedFor) {
  const Root root;
  root.write("proc/stat",
             "cpu  1111 0 0 0 0 0 0 0 0 0\n"
             "cpu0 100 20 30 4000 500 6 7 80 90 0\n"
             "cpu1 9999 0 0 0 0 0 0 9999 0 0\n"
             "cpu2 10 0 0 1000 0 0 0 1 0 0\n"
             "intr 12345 1 2 3\n");
  const auto times = read_cpu_times(root.path(), both);
  ASSERT_TRUE(times);
  EXPECT_DOUBLE_EQ(times->busy, ticks(100 + 20 + 30 + 6 + 7 + 10));
  EXPECT_DOUBLE_EQ(times->steal, ticks(80 + 1));
}

TEST(HostLoad, IsUnknownWhereNothingIsCounted) {
  const Root root;
  EXPECT_FALSE(read_cpu_times(root.path(), both));
  EXPECT_FALSE(read_load_average(root.path()));
  EXPECT_FALSE(read_cpu_mhz(root.path(), both));
  root.write("proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n");
  EXPECT_FALSE(read_cpu_times(root.path(), both));
  root.write("proc/loadavg", "nonsense\n");
  EXPECT_FALSE(read_load_average(root.path()));
}

TEST(HostLoad, ReadsLoadAndClocks) {
  const Root root;
  root.write("proc/loadavg", "18.25 7.46 3.65 15/172 24045\n");
  EXPECT_EQ(read_load_average(root.path()), 18.25);
  for (const int cpu : {0, 1, 2}) {
    root.write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_cur_freq",
               std::to_string(1'000'000 * (cpu + 1)) + "\n");
  }
  EXPECT_EQ(read_cpu_mhz(root.path(), both), 2000.0);
  root.write("proc/cpuinfo",
             "processor\t: 0\ncpu MHz\t\t: 2100.000\n\nprocessor\t: 1\ncpu MHz\t\t: 800.000\n\n"
             "processor\t: 2\ncpu MHz\t\t: 2300.500\n");
  EXPECT_EQ(read_cpu_mhz(root.path(), both), 2200.25);
}

void spin_for(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(HostWatch, TakesOffWhatThisProcessRan) {
  const Root root;
  const auto write = [&](int busy, int steal) {
    std::string text = "cpu  0 0 0 0\n";
    for (int cpu = 0; cpu < 1024; ++cpu) {
      text += "cpu" + std::to_string(cpu) + (cpu == 0 ? ' ' + std::to_string(busy) : " 0") +
              " 0 0 1000 0 0 0" + (cpu == 0 ? ' ' + std::to_string(steal) : " 0") + " 0 0\n";
    }
    root.write("proc/stat", text);
  };
  write(0, 0);
  const DriverThreads none(root.path());
  HostWatch watch(root.path());
  watch.begin(none);
  spin_for(std::chrono::milliseconds(120));
  write(1000, 7);
  const auto found = watch.end(none);
  ASSERT_TRUE(found.value);
  EXPECT_GE(found.value->seconds, 0.12);
  EXPECT_GT(found.value->cpus, 0U);
  if (!found.value->others_seconds) GTEST_SKIP() << "CPU 0 is not this process's";
  EXPECT_LT(*found.value->others_seconds, ticks(1000));
  EXPECT_GT(*found.value->others_seconds, 0);
  EXPECT_LE(*found.value->steal_seconds, ticks(7));
}

TEST(HostWatch, SaysNothingOfStretchesTooShortForTicks) {
  HostWatch watch;
  const DriverThreads none(Root().path());
  watch.begin(none);
  const auto found = watch.end(none);
  ASSERT_TRUE(found.value);
  EXPECT_FALSE(found.value->steal_seconds);
  EXPECT_FALSE(found.value->others_seconds);
}

}  // namespace
}  // namespace offload
