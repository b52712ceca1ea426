// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/host_share.hpp"

#include <algorithm>
#include <cmath>

namespace offload {
namespace {

constexpr std::size_t row_step = 16;
constexpr double first_step = 0.1;
constexpr double last_step = 0.0125;
constexpr double unknown = 0.5;

}  // namespace

HostShare::HostShare(const Tuning& tuning, const LinkRates& rates)
    : fixed_(tuning.host_share.has_value()) {
  const double both = rates.host_beside_copy + rates.copy_beside_host;
  initial_ = tuning.host_share.value_or(both > 0 ? rates.host_beside_copy / both : unknown);
  best_ = initial_;
}

void HostShare::begin(bool cpu_can) {
  candidates_.clear();
  tried_ = 0;
  best_seconds_ = std::numeric_limits<double>::infinity();
  best_ = cpu_can ? initial_ : 0;
  if (fixed_ || !cpu_can) return;
  // The first pass after planning is slower than the next: the first candidate is tried twice.
  candidates_ = {initial_, initial_, 0};
  for (int tenth = 1; tenth <= 10; ++tenth) candidates_.push_back(first_step * tenth);
  step_ = first_step / 2;
}

double HostShare::share() const { return tuning() ? candidates_[tried_] : best_; }

void HostShare::tried(double seconds) {
  if (seconds < best_seconds_) {
    best_seconds_ = seconds;
    best_ = candidates_[tried_];
  }
  ++tried_;
  if (!tuning() && step_ >= last_step) refine();
}

void HostShare::refine() {
  for (const double share : {best_ - step_, best_ + step_}) {
    if (share > 0 && share <= 1) candidates_.push_back(share);
  }
  step_ /= 2;
}

std::size_t HostShare::rows(std::size_t rows) const {
  if (share() <= 0) return 0;  // not even those that fill no step
  const double carried = (1 - share()) * static_cast<double>(rows) / static_cast<double>(row_step);
  return rows - std::min(rows, static_cast<std::size_t>(std::llround(carried)) * row_step);
}

}  // namespace offload
