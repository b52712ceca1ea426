// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/plan.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

constexpr bool gpu_reads = false;
constexpr bool cpu_reads = true;

TEST(Sampling, MakesUpForTheClockFromColdAndForInterruptionsOtherwise) {
  EXPECT_EQ(passes_per_sample(0.25e-3, Start::cold, gpu_reads), 4U);
  EXPECT_EQ(passes_per_sample(2e-3, Start::cold, gpu_reads), 1U);
  EXPECT_EQ(passes_per_sample(4e-3, Start::steady, gpu_reads), 5U);
  EXPECT_EQ(passes_per_sample(4e-3, Start::warm, gpu_reads), 5U);
  EXPECT_EQ(passes_per_sample(30e-3, Start::steady, gpu_reads), 1U);
}

TEST(Sampling, TakesLongerWhereTheCpuReads) {
  EXPECT_EQ(passes_per_sample(4e-3, Start::steady, cpu_reads), 15U);   // 60 ms
  EXPECT_EQ(passes_per_sample(30e-3, Start::steady, cpu_reads), 6U);   // 0.18 s
  EXPECT_EQ(passes_per_sample(75e-3, Start::steady, cpu_reads), 6U);   // 0.45 s
  EXPECT_EQ(passes_per_sample(150e-3, Start::steady, cpu_reads), 3U);  // 0.45 s
  EXPECT_EQ(passes_per_sample(3.0, Start::steady, cpu_reads), 1U);
}

TEST(Sampling, IsBoundedForPassesThatTakeNoTime) {
  EXPECT_EQ(passes_per_sample(1e-6, Start::steady, gpu_reads), 32U);
  EXPECT_EQ(passes_per_sample(1e-6, Start::cold, gpu_reads), 32U);
  EXPECT_EQ(passes_per_sample(1e-6, Start::steady, cpu_reads), 32U);
  EXPECT_EQ(passes_per_sample(0, Start::steady, gpu_reads), 32U);
}

}  // namespace
}  // namespace offload
