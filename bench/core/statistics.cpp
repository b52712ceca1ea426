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

/// The curve that never falls and fits `values` best by squares: neighbours that fall are pooled.
std::vector<double> rising_fit(std::span<const double> values) {
  struct Block {
    double mean;
    std::size_t count;
  };
  std::vector<Block> blocks;
  for (const double value : values) {
    blocks.push_back({value, 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean > blocks.back().mean) {
      const Block last = blocks.back();
      blocks.pop_back();
      Block& before = blocks.back();
      const auto count = static_cast<double>(before.count + last.count);
      before.mean = (before.mean * static_cast<double>(before.count) +
                     last.mean * static_cast<double>(last.count)) /
                    count;
      before.count += last.count;
    }
  }
  std::vector<double> fit;
  for (const Block& block : blocks) fit.insert(fit.end(), block.count, block.mean);
  return fit;
}

/// Root of the mean square of what `values` are off that curve.
double scatter_about_rise(std::span<const double> values) {
  const std::vector<double> fit = rising_fit(values);
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    squares += (values[i] - fit[i]) * (values[i] - fit[i]);
  }
  return std::sqrt(squares / static_cast<double>(values.size()));
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

std::optional<Drift> drift_of(std::span<const double> samples) {
  constexpr double least = 0.02;
  constexpr double times_scatter = 5;
  constexpr std::size_t few = 2;
  const std::size_t count = samples.size();
  if (count < 3) return std::nullopt;
  const std::size_t third = count == 3 ? 1 : std::max(few, count / 3);
  const auto first = samples.first(third);
  const auto last = samples.last(third);
  const Drift drift{percentile(first, 50), percentile(last, 50)};
  const double distance = std::abs(drift.last - drift.first);
  if (distance <= least * std::min(drift.first, drift.last)) return std::nullopt;
  const bool rises = drift.last > drift.first;
  const auto& low = rises ? first : last;
  const auto& high = rises ? last : first;
  const bool apart = *std::ranges::max_element(low) < *std::ranges::min_element(high);
  if (third <= few && !apart) return std::nullopt;
  std::vector<double> rising(samples.begin(), samples.end());
  if (!rises) std::ranges::reverse(rising);
  // As the standard error of a median goes.
  const double of_scatter =
      times_scatter * std::sqrt(static_cast<double>(few) / static_cast<double>(third));
  if (distance <= of_scatter * scatter_about_rise(rising)) return std::nullopt;
  return drift;
}

}  // namespace offload
