// SPDX-License-Identifier: Apache-2.0
// The share of each tensor's rows that the CPU computes: as given, or found by trying, beginning
// from what the calibrated rates of both sides suggest.
#pragma once
#include <cstddef>
#include <limits>
#include <vector>

#include "offload/policy.hpp"

namespace offload {

class HostShare {
 public:
  HostShare() = default;  // nothing for the CPU
  HostShare(const Tuning& tuning, const LinkRates& rates);

  /// For passes of a new kind: the search starts again.
  void begin(bool cpu_can);
  bool tuning() const { return tried_ < candidates_.size(); }
  /// The pass with the present share took so long.
  void tried(double seconds);

  double share() const;
  /// Of `rows`; what is left for the GPU is a multiple of 16 rows, or all of them.
  std::size_t rows(std::size_t rows) const;

 private:
  void refine();

  bool fixed_ = true;
  double initial_ = 0;
  double best_ = 0;
  double best_seconds_ = std::numeric_limits<double>::infinity();
  double step_ = 0;
  std::vector<double> candidates_;
  std::size_t tried_ = 0;
};

}  // namespace offload
