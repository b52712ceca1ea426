// SPDX-License-Identifier: Apache-2.0
// Where wall time goes: adds the life of a Lap to a counter of seconds.
#pragma once
#include <chrono>

namespace offload {

class Lap {
 public:
  explicit Lap(double& seconds) : seconds_(seconds) {}
  ~Lap() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Lap(const Lap&) = delete;
  Lap& operator=(const Lap&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace offload
