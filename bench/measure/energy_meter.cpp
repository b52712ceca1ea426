// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/energy_meter.hpp"

#include <cmath>
#include <utility>

namespace offload {
namespace {

constexpr int periods_watched = 3;
constexpr double longest_period = 0.5;  // seconds; waited for in vain where there is none
constexpr double min_seconds = 0.095;   // of work: one period of 0.1 s, as NVML has it
constexpr double max_seconds = 2.0;
// Where in a period the counter may be read for the last time: it was renewed before, and will not
// be before the reading is done, even if the period is known to some percent only.
constexpr double earliest = 0.25;
constexpr double latest = 0.75;

}  // namespace

EnergyMeter::EnergyMeter(Joules joules, Seconds now)
    : joules_(std::move(joules)), now_(std::move(now)) {}

std::optional<EnergyMeter::Renewal> EnergyMeter::next_renewal() const {
  const auto first = joules_();
  if (!first) return std::nullopt;
  const double begin = now_();
  for (double at = begin; at - begin < longest_period; at = now_()) {
    const auto joules = joules_();
    if (joules && *joules != *first) return Renewal{*joules, at};
  }
  return std::nullopt;
}

void EnergyMeter::find_period() {
  period_ = 0;
  const auto first = next_renewal();
  if (!first) return;
  std::optional<Renewal> last;
  for (int i = 0; i < periods_watched; ++i) {
    last = next_renewal();
    if (!last) return;
  }
  period_ = (last->at - first->at) / periods_watched;
}

Observed<Energy> EnergyMeter::measure(const std::function<void()>& work, std::size_t passes) {
  using Result = Observed<Energy>;
  if (!joules_()) return Result::unavailable("NVML counts no energy of this GPU");
  if (!period_) find_period();
  const auto first = next_renewal();
  if (*period_ <= 0 || !first) {
    return Result::unavailable("NVML does not renew the energy counter");
  }
  const double begin = now_();
  const double min_periods = std::ceil(min_seconds / *period_);
  double done = 0;
  for (double end = begin; end - begin < max_seconds;) {
    work();
    done += static_cast<double>(passes);
    end = now_();
    const double elapsed = (end - first->at) / *period_;
    const double periods = std::floor(elapsed);
    const double phase = elapsed - periods;
    if (periods < min_periods || phase < earliest || phase > latest) continue;
    const auto last = joules_();
    if (!last) break;
    const double seconds = periods * *period_;
    const double watts = (*last - first->joules) / seconds;
    return Result::measured({watts * (end - begin) / done, watts, seconds});
  }
  return Result::unavailable("passes are too long for the counter's renewals");
}

}  // namespace offload
