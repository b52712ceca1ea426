// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/host_share.hpp"

#include <algorithm>
#include <cmath>

#include "offload/statistics.hpp"

namespace offload {
namespace {

constexpr std::size_t row_step = 16;
constexpr double first_step = 0.1;
constexpr double last_step = 0.0125;
constexpr double same_share = 1e-3;
constexpr double unknown = 0.5;
constexpr std::size_t few = 4;             // candidates that are passed again,
constexpr std::size_t enough_passes = 3;   // until each has so many;
constexpr std::size_t finalists = 3;       // and those compared last with none for the CPU,
constexpr std::size_t further_passes = 4;  // in so many passes more
// The CPU must be worth it by more than what counts as a tie.
constexpr double worth_it = 0.99;

}  // namespace

HostShare::HostShare(const Tuning& tuning, const Rates& rates)
    : fixed_(tuning.host_share.has_value()) {
  const double host = rates.host_read_beside_copy.value_or(0);
  const double both = host + rates.copy_h2d_beside_host.value_or(0);
  initial_ = tuning.host_share.value_or(both > 0 ? host / both : unknown);
  found_ = initial_;
}

void HostShare::begin(bool cpu_can) {
  candidates_.clear();
  next_.clear();
  found_ = cpu_can ? initial_ : 0;
  if (fixed_ || !cpu_can) return;
  settled_ = fitted_ = compared_ = false;
  step_ = first_step / 2;
  next_ = {candidate(initial_), candidate(0)};
  for (int tenth = 1; tenth <= 10; ++tenth) next_.push_back(candidate(first_step * tenth));
}

std::size_t HostShare::candidate(double share) {
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (std::abs(candidates_[i].share - share) < same_share) return i;
  }
  candidates_.push_back({share, {}});
  return candidates_.size() - 1;
}

double HostShare::share() const { return tuning() ? candidates_[next_.front()].share : found_; }

void HostShare::tried(double seconds) {
  if (!settled_) {  // the first pass after placing is slower than the next: it
                    // does not count
    settled_ = true;
    return;
  }
  candidates_[next_.front()].seconds.push_back(seconds);
  next_.pop_front();
  if (next_.empty()) plan();
}

std::vector<std::size_t> HostShare::ranking() const {
  std::vector<std::pair<double, std::size_t>> medians;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].seconds.empty()) continue;
    medians.emplace_back(percentile(candidates_[i].seconds, 50), i);
  }
  std::sort(medians.begin(), medians.end());
  std::vector<std::size_t> ranked;
  ranked.reserve(medians.size());
  for (const auto& [median, index] : medians) ranked.push_back(index);
  return ranked;
}

std::optional<double> HostShare::fit(double best) const {
  std::vector<double> host;  // seconds for all rows
  std::vector<double> link;
  for (const Candidate& candidate : candidates_) {
    for (const double seconds : candidate.seconds) {
      if (candidate.share > best + same_share) host.push_back(seconds / candidate.share);
      if (candidate.share < best - same_share) link.push_back(seconds / (1 - candidate.share));
    }
  }
  if (host.empty() || link.empty()) return std::nullopt;
  const double host_seconds = percentile(host, 50);
  const double link_seconds = percentile(link, 50);
  return link_seconds / (host_seconds + link_seconds);
}

void HostShare::plan() {
  if (compared_) return decide();
  const std::vector<std::size_t> ranked = ranking();
  for (std::size_t i = 0; i < std::min(few, ranked.size()); ++i) {
    if (candidates_[ranked[i]].seconds.size() < enough_passes) next_.push_back(ranked[i]);
  }
  if (!next_.empty()) return;
  for (; next_.empty() && step_ >= last_step; step_ /= 2) {
    const double best = candidates_[ranked.front()].share;
    for (const double share : {best - step_, best + step_}) {
      if (share <= 0 || share > 1) continue;
      const std::size_t index = candidate(share);
      if (candidates_[index].seconds.empty()) next_.push_back(index);
    }
  }
  if (!next_.empty()) return;
  if (!fitted_) {
    fitted_ = true;
    if (const auto share = fit(candidates_[ranked.front()].share)) {
      const std::size_t index = candidate(*share);
      const std::size_t passed = std::min(enough_passes, candidates_[index].seconds.size());
      next_.assign(enough_passes - passed, index);
    }
  }
  if (!next_.empty()) return;
  compared_ = true;
  std::vector<std::size_t> last(
      ranked.begin(),
      ranked.begin() + static_cast<std::ptrdiff_t>(std::min(finalists, ranked.size())));
  const std::size_t none = candidate(0);
  if (std::find(last.begin(), last.end(), none) == last.end()) last.push_back(none);
  // In turn, so that a disturbance hits all.
  for (std::size_t pass = 0; pass < further_passes; ++pass) {
    next_.insert(next_.end(), last.begin(), last.end());
  }
}

void HostShare::decide() {
  const auto median = [this](std::size_t index) {
    return percentile(candidates_[index].seconds, 50);
  };
  // Whoever was not in the last comparison owes its place to few passes.
  const std::size_t none = candidate(0);
  std::size_t best = none;
  for (const std::size_t index : ranking()) {
    if (candidates_[index].seconds.size() < enough_passes + further_passes) continue;
    best = index;
    break;
  }
  found_ = median(best) < worth_it * median(none) ? candidates_[best].share : 0;
}

std::size_t HostShare::rows(std::size_t rows) const {
  if (share() <= 0) return 0;  // not even those that fill no step
  const double carried = (1 - share()) * static_cast<double>(rows) / static_cast<double>(row_step);
  return rows - std::min(rows, static_cast<std::size_t>(std::llround(carried)) * row_step);
}

}  // namespace offload
