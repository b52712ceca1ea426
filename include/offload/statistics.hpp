// SPDX-License-Identifier: Apache-2.0
// Statistics of the samples of one case.
#pragma once
#include <optional>
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

/// Where samples taken one after the other began and where they ended.
struct Drift {
  double first = 0;  // median of the first third of the samples, of two at least
  double last = 0;   // of the last third
};

/// nullopt unless first and last are more than 2 % apart, and by far more than the samples scatter
/// about the rising or falling curve that fits them best: five times that, less the more samples a
/// third has. Of up to eight samples the two thirds must also lie apart altogether; of three the
/// first and the last count; fewer show none.
std::optional<Drift> drift_of(std::span<const double> samples);

}  // namespace offload
