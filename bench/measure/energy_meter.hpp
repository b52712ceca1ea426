// SPDX-License-Identifier: Apache-2.0
// Energy of uninterrupted work, by a counter that is renewed only now and then and that is best
// left alone while the GPU is busy (see GpuCounters): it is read when it has just been renewed, and
// again in the middle between two later renewals, so that no work is cut off or stretched.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>

#include "bench/evidence.hpp"

namespace offload {

class EnergyMeter {
 public:
  using Joules = std::function<std::optional<double>()>;
  using Seconds = std::function<double()>;
  /// `joules` reads the counter, `now` a clock. Both must stay callable as long as this lives.
  EnergyMeter(Joules joules, Seconds now);

  /// Does `work`, which is `passes` passes and ends with the GPU idle, over and over for 0.2 s. The
  /// first call takes 0.4 s more, to see how often the counter is renewed.
  Observed<Energy> measure(const std::function<void()>& work, std::size_t passes);

 private:
  struct Renewal {
    double joules;
    double at;
  };
  std::optional<Renewal> next_renewal() const;
  void find_period();

  Joules joules_;
  Seconds now_;
  std::optional<double> period_;  // of the renewals, seconds; 0: it is never renewed
};

}  // namespace offload
