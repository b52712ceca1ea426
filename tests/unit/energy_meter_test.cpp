// SPDX-License-Identifier: Apache-2.0
// Against a GPU of known power, whose counter is renewed every 0.1 s and takes time to read.
#include "bench/measure/counters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>

namespace offload {
namespace {

constexpr double idle_watts = 100;
constexpr double busy_watts = 400;
constexpr double reading_seconds = 0.5e-3;

class EnergyMetering : public testing::Test {
 protected:
  void spend(double seconds, double watts) {
    while (seconds > 0) {
      const double step = std::min(seconds, next_renewal_ - now_);
      now_ += step;
      joules_ += step * watts;
      seconds -= step;
      if (now_ < next_renewal_) continue;
      shown_ = joules_;
      next_renewal_ += period_;
    }
  }
  std::optional<double> read() {
    spend(reading_seconds, idle_watts);
    return shown_;
  }
  Observed<Energy> measure(double pass_seconds, std::size_t passes = 1) {
    return meter_.measure([&] { spend(pass_seconds * static_cast<double>(passes), busy_watts); },
                          passes);
  }

  double now_ = 12.345;
  double joules_ = 1e6;
  double shown_ = 1e6;
  double period_ = 0.1;
  double next_renewal_ = 12.4;
  EnergyMeter meter_{[this] { return read(); }, [this] { return now_; }};
};

TEST_F(EnergyMetering, IsThatOfTheWorkAlone) {
  for (const double pass : {60e-6, 5.2e-3, 30e-3, 74e-3, 160e-3}) {
    SCOPED_TRACE(pass);
    const Observed<Energy> found = measure(pass);
    ASSERT_TRUE(found.value) << found.reason;
    EXPECT_NEAR(found.value->watts, busy_watts, 0.02 * busy_watts);
    EXPECT_NEAR(found.value->joules, busy_watts * pass, 0.02 * busy_watts * pass);
    EXPECT_GE(found.value->seconds, 0.09);
    EXPECT_LT(found.value->seconds, 1);
  }
}

TEST_F(EnergyMetering, PassesOfOneBatchShareIt) {
  const Observed<Energy> found = measure(60e-6, 50);
  ASSERT_TRUE(found.value) << found.reason;
  EXPECT_NEAR(found.value->joules, busy_watts * 60e-6, 0.02 * busy_watts * 60e-6);
}

TEST_F(EnergyMetering, FollowsTheCountersPeriod) {
  period_ = 0.02;
  next_renewal_ = now_ + period_;
  const Observed<Energy> found = measure(5e-3);
  ASSERT_TRUE(found.value) << found.reason;
  EXPECT_NEAR(found.value->watts, busy_watts, 0.05 * busy_watts);
}

TEST_F(EnergyMetering, TakesAFifthOfASecondOnceThePeriodIsKnown) {
  (void)measure(5e-3);
  const double before = now_;
  (void)measure(5e-3);
  EXPECT_LT(now_ - before, 0.3);
}

TEST_F(EnergyMetering, SaysWhyThereIsNone) {
  next_renewal_ = 1e9;
  EXPECT_EQ(measure(5e-3).reason, "NVML does not renew the energy counter");
  EnergyMeter none([] { return std::nullopt; }, [this] { return now_; });
  EXPECT_EQ(none.measure([] {}, 1).reason, "NVML counts no energy of this GPU");
}

TEST_F(EnergyMetering, GivesUpOnPassesThatAlwaysEndAtARenewal) {
  (void)measure(5e-3);  // the period is known
  const double before = now_;
  EXPECT_EQ(measure(period_).reason, "passes are too long for the counter's renewals");
  EXPECT_LT(now_ - before, 2.5);
}

}  // namespace
}  // namespace offload
