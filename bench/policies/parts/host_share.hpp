// SPDX-License-Identifier: Apache-2.0
// The share of each tensor's rows that the CPU computes: as given, or found by
// trying, beginning from what the calibrated rates of both sides suggest.
#pragma once
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "offload/policy.hpp"

namespace offload {

/// Single passes of a shared host differ by 15 % and more, so no share is
/// believed for one fast pass: shares are ranked by the medians of their
/// passes, the best few are passed again before anything is concluded from
/// them, and in the end against none for the CPU.
class HostShare {
 public:
  HostShare() = default;  // nothing for the CPU
  HostShare(const Tuning& tuning, const Rates& rates);

  /// For passes of a new kind: the search starts again.
  void begin(bool cpu_can);
  bool tuning() const { return !next_.empty(); }
  /// The pass with the present share took so long.
  void tried(double seconds);

  double share() const;
  /// Of `rows`; what is left for the GPU is a multiple of 16 rows, or all of
  /// them.
  std::size_t rows(std::size_t rows) const;

 private:
  struct Candidate {
    double share = 0;
    std::vector<double> seconds;  // of its passes
  };

  std::size_t candidate(double share);
  /// Of candidates that were tried, the fastest first.
  std::vector<std::size_t> ranking() const;
  /// Where both sides would end together, by all passes with more and with less
  /// than `best`.
  std::optional<double> fit(double best) const;
  /// What to try when all that was planned has been.
  void plan();
  void decide();

  bool fixed_ = true;
  double initial_ = 0;
  double found_ = 0;
  double step_ = 0;
  bool settled_ = false;  // the first pass is behind us
  bool fitted_ = false;
  bool compared_ = false;  // the last comparison is planned
  std::vector<Candidate> candidates_;
  std::deque<std::size_t> next_;  // candidates
};

}  // namespace offload
