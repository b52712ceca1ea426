// SPDX-License-Identifier: Apache-2.0
#include "offload/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace offload {
namespace {

// Worked by hand: mean 5, squared deviations 9+1+1+1+0+0+4+16 = 32, n - 1 = 7.
const std::vector<double> textbook{2, 4, 4, 4, 5, 5, 7, 9};

TEST(Statistics, SummarizesATextbookSample) {
  const Summary summary = summarize(textbook);
  EXPECT_DOUBLE_EQ(summary.mean, 5);
  EXPECT_DOUBLE_EQ(summary.median, 4.5);
  EXPECT_DOUBLE_EQ(summary.min, 2);
  EXPECT_DOUBLE_EQ(summary.max, 9);
  EXPECT_DOUBLE_EQ(summary.stddev, std::sqrt(32.0 / 7.0));
  EXPECT_DOUBLE_EQ(summary.coefficient_of_variation, std::sqrt(32.0 / 7.0) / 5);
}

TEST(Statistics, PercentilesInterpolateBetweenOrderStatistics) {
  // 0, 10, ..., 100: the p-th percentile of eleven evenly spaced values is p itself.
  std::vector<double> even;
  for (int i = 10; i >= 0; --i) even.push_back(10.0 * i);
  for (const double percent : {0.0, 5.0, 25.0, 33.0, 50.0, 99.0, 100.0}) {
    EXPECT_NEAR(percentile(even, percent), percent, 1e-12);
  }
  // Type 7: rank 0.25 * 7 = 1.75 lies between the 4s; rank 0.9 * 7 = 6.3 gives 7 + 0.3 * 2.
  EXPECT_DOUBLE_EQ(percentile(textbook, 25), 4);
  EXPECT_DOUBLE_EQ(percentile(textbook, 90), 7.6);
  const Summary summary = summarize(even);
  EXPECT_NEAR(summary.p05, 5, 1e-12);
  EXPECT_NEAR(summary.p25, 25, 1e-12);
  EXPECT_NEAR(summary.p75, 75, 1e-12);
  EXPECT_NEAR(summary.p95, 95, 1e-12);
  EXPECT_NEAR(summary.p99, 99, 1e-12);
}

TEST(Statistics, OrderDoesNotMatter) {
  const std::vector<double> shuffled{9, 4, 2, 5, 7, 4, 5, 4};
  EXPECT_DOUBLE_EQ(summarize(shuffled).median, summarize(textbook).median);
  EXPECT_DOUBLE_EQ(percentile(shuffled, 90), percentile(textbook, 90));
}

TEST(Statistics, OneSampleHasNoSpread) {
  const Summary summary = summarize(std::vector<double>{3});
  EXPECT_EQ(summary.median, 3);
  EXPECT_EQ(summary.p99, 3);
  EXPECT_EQ(summary.stddev, 0);
  EXPECT_EQ(summary.coefficient_of_variation, 0);
}

TEST(Statistics, TheSpreadOfZerosIsFinite) {
  EXPECT_EQ(summarize(std::vector<double>{0, 0}).coefficient_of_variation, 0);
}

using Samples = std::vector<double>;

TEST(Drift, IsFromTheFirstThirdToTheLast) {
  // Under a power cap, as an H200 showed it: two samples at either end of five.
  const auto capped = drift_of(Samples{5.688, 5.812, 6.644, 6.792, 6.682});
  ASSERT_TRUE(capped);
  EXPECT_DOUBLE_EQ(capped->first, 5.75);
  EXPECT_DOUBLE_EQ(capped->last, 6.737);
  const auto falling = drift_of(Samples{9, 8, 8.9, 7, 6, 5.1, 5, 4.9, 5.2});
  ASSERT_TRUE(falling);
  EXPECT_DOUBLE_EQ(falling->first, 8.9);
  EXPECT_DOUBLE_EQ(falling->last, 5);
  const auto three = drift_of(Samples{2.451, 2.529, 2.84});
  ASSERT_TRUE(three);
  EXPECT_DOUBLE_EQ(three->last, 2.84);
}

TEST(Drift, IsMoreThanTwoPercentAndMoreThanNoise) {
  EXPECT_FALSE(drift_of(Samples{100, 100.5, 101, 101.5, 101.9}));
  EXPECT_TRUE(drift_of(Samples{100, 101, 102, 103, 104}));
  // Up and down by ten percent: the ends differ, and so do all others.
  EXPECT_FALSE(drift_of(Samples{100, 110, 95, 108, 103, 112, 97, 115, 104, 110, 116, 102}));
  // One sample that took longer, at either end.
  EXPECT_FALSE(drift_of(Samples{120, 100, 100.1, 100.2, 100}));
  EXPECT_FALSE(drift_of(Samples{100, 100.1, 100.2, 100, 120}));
  EXPECT_FALSE(drift_of(Samples{100, 100, 100, 100}));
}

TEST(Drift, NeedsThreeSamples) {
  EXPECT_FALSE(drift_of({}));
  EXPECT_FALSE(drift_of(Samples{1, 2}));
  EXPECT_FALSE(drift_of(Samples{1, 3, 2}));  // no order in it
}

TEST(Statistics, RefusesNothingAndNoPercentile) {
  EXPECT_THROW(summarize({}), std::invalid_argument);
  EXPECT_THROW(percentile({}, 50), std::invalid_argument);
  EXPECT_THROW(percentile(textbook, -1), std::invalid_argument);
  EXPECT_THROW(percentile(textbook, 100.5), std::invalid_argument);
  EXPECT_THROW(percentile(textbook, std::nan("")), std::invalid_argument);
}

}  // namespace
}  // namespace offload
