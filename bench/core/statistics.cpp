// SPDX-License-Identifier: Apache-2.0
#include "offload/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace offload {
namespace {

std::vector<double> sorted_copy(std::span<const double> samples) {
  if (samples.empty()) throw std::invalid_argument("statistics of no samples");
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double percentile_of_sorted(const std::vector<double>& sorted, double percent) {
  if (!(percent >= 0 && percent <= 100)) {
    throw std::invalid_argument("a percentile lies between 0 and 100");
  }
  const double rank = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], rank - static_cast<double>(below));
}

}  // namespace

double percentile(std::span<const double> samples, double percent) {
  return percentile_of_sorted(sorted_copy(samples), percent);
}

Summary summarize(std::span<const double> samples) {
  const std::vector<double> sorted = sorted_copy(samples);
  const double count = static_cast<double>(sorted.size());

  Summary summary;
  summary.median = percentile_of_sorted(sorted, 50);
  summary.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  summary.min = sorted.front();
  summary.max = sorted.back();
  summary.p05 = percentile_of_sorted(sorted, 5);
  summary.p25 = percentile_of_sorted(sorted, 25);
  summary.p75 = percentile_of_sorted(sorted, 75);
  summary.p95 = percentile_of_sorted(sorted, 95);
  summary.p99 = percentile_of_sorted(sorted, 99);
  if (sorted.size() > 1) {
    double squares = 0;
    for (const double sample : sorted) {
      squares += (sample - summary.mean) * (sample - summary.mean);
    }
    summary.stddev = std::sqrt(squares / (count - 1));
  }
  if (summary.mean != 0) summary.coefficient_of_variation = summary.stddev / summary.mean;
  return summary;
}

}  // namespace offload
