// SPDX-License-Identifier: Apache-2.0
// Statistics of the samples of one case.
#pragma once
#include <span>

namespace offload {

struct Summary {
  double median = 0;
  double mean = 0;
  double min = 0;
  double max = 0;
  double p05 = 0;
  double p25 = 0;
  double p75 = 0;
  double p95 = 0;
  double p99 = 0;
  double stddev = 0;                    // sample standard deviation, n - 1
  double coefficient_of_variation = 0;  // stddev / mean
};

/// Percentiles interpolate linearly between order statistics (type 7, as numpy does).
/// Throws std::invalid_argument when empty.
Summary summarize(std::span<const double> samples);
double percentile(std::span<const double> samples, double percent);

}  // namespace offload
