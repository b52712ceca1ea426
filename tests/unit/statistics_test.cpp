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

TEST(Statistics, RefusesNothingAndNoPercentile) {
  EXPECT_THROW(summarize({}), std::invalid_argument);
  EXPECT_THROW(percentile({}, 50), std::invalid_argument);
  EXPECT_THROW(percentile(textbook, -1), std::invalid_argument);
  EXPECT_THROW(percentile(textbook, 100.5), std::invalid_argument);
  EXPECT_THROW(percentile(textbook, std::nan("")), std::invalid_argument);
}

}  // namespace
}  // namespace offload
