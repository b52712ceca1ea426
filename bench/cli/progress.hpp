// SPDX-License-Identifier: Apache-2.0
// Where the run is, on stderr: on a terminal one line, rewritten in place; elsewhere a plain line
// now and then, so that the log of a job shows that it lives, and one per case when asked for.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/options.hpp"

namespace offload {

/// A terminal that understands more than plain lines.
bool is_terminal(std::FILE* stream);

class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;

  /// Make it right before the first case: the time left follows from the cases finished since.
  /// `weights`: for each case in order, how long it may take in any common unit (its bytes, say).
  /// `now` is for tests.
  ProgressLine(Progress mode, std::vector<double> weights, std::FILE* stream = stderr,
               Now now = Clock::now);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// The next case begins.
  void begin(const std::string& name);
  /// Something happens within the case, e.g. "sample 3/11". Redraws a terminal ten times a second
  /// at most, so that it costs a run nothing; elsewhere a line comes 30 s after the last.
  void step(const std::string& what);
  /// The current case is done.
  void end();
  /// Wipe the line: other text is about to be written. The next step draws it again.
  void wipe();

 private:
  enum class Style : std::uint8_t { silent, sparse, plain, in_place };
  static Style style(Progress mode, std::FILE* stream);
  std::string status(const std::string& what) const;
  /// nullopt until a case is done.
  std::optional<double> seconds_left() const;
  void draw(const std::string& what);
  void print(const std::string& what);
  bool is_due() const;

  Style style_;
  std::vector<double> weights_;
  std::FILE* stream_;
  Now now_;
  Clock::time_point start_;
  Clock::time_point last_end_;
  Clock::time_point drawn_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
  std::string name_;
  bool visible_ = false;
};

/// "42 s", "3 min 05 s", "1 h 02 min".
std::string format_duration(double seconds);

}  // namespace offload
