// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"

namespace offload {
namespace {

constexpr const char* wiped_line = "\r\x1b[K";  // to the first column, erase to the end

/// Columns of the terminal: a longer line would wrap, and then could not be wiped.
std::size_t columns(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string two_digits(long value) { return (value < 10 ? "0" : "") + std::to_string(value); }

}  // namespace

std::string format_duration(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole % 3600 / 60) + " min";
}

bool is_terminal(std::FILE* stream) {
  const char* const terminal = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  const bool is_dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return isatty(fileno(stream)) == 1 && !is_dumb;
}

ProgressLine::ProgressLine(Progress mode, std::vector<double> weights, std::FILE* stream, Now now)
    : style_(style(mode, stream)),
      weights_(std::move(weights)),
      stream_(stream),
      now_(std::move(now)),
      start_(now_()),
      last_end_(start_),
      drawn_(start_) {}

ProgressLine::~ProgressLine() { wipe(); }

ProgressLine::Style ProgressLine::style(Progress mode, std::FILE* stream) {
  if (mode == Progress::never) return Style::silent;
  if (is_terminal(stream)) return Style::in_place;
  return mode == Progress::always ? Style::plain : Style::sparse;
}

std::optional<double> ProgressLine::seconds_left() const {
  const auto begin = weights_.begin();
  const double finished = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(ended_), 0.0);
  if (finished <= 0) return std::nullopt;
  const double per_weight = std::chrono::duration<double>(last_end_ - start_).count() / finished;
  const double later =
      std::accumulate(begin + static_cast<std::ptrdiff_t>(begun_), weights_.end(), 0.0);
  if (begun_ == ended_) return per_weight * later;
  // The case under way has used up some of its share; one that overruns has none left.
  const double used = std::chrono::duration<double>(now_() - last_end_).count();
  return per_weight * later + std::max(0.0, per_weight * weights_[begun_ - 1] - used);
}

std::string ProgressLine::status(const std::string& what) const {
  const double elapsed = std::chrono::duration<double>(now_() - start_).count();
  std::string text = "[" + std::to_string(begun_) + "/" + std::to_string(weights_.size()) + "] " +
                     name_ + (what.empty() ? "" : ", " + what) + ", " + format_duration(elapsed);
  if (const auto left = seconds_left()) text += ", about " + format_duration(*left) + " left";
  return text;
}

void ProgressLine::draw(const std::string& what) {
  const std::string text = status(what).substr(0, columns(stream_) - 1);
  std::fprintf(stream_, "%s%s", wiped_line, text.c_str());
  std::fflush(stream_);
  drawn_ = now_();
  visible_ = true;
}

void ProgressLine::print(const std::string& what) {
  std::fprintf(stream_, "%s\n", status(what).c_str());
  std::fflush(stream_);
  drawn_ = now_();
}

bool ProgressLine::is_due() const {
  using namespace std::chrono_literals;
  if (style_ == Style::silent) return false;
  if (style_ == Style::in_place) return !visible_ || now_() - drawn_ >= 100ms;
  return now_() - drawn_ >= 30s;
}

void ProgressLine::begin(const std::string& name) {
  begun_ = std::min(begun_ + 1, weights_.size());
  name_ = printable(name);
  if (style_ == Style::in_place) draw("");
  if (style_ == Style::plain || (style_ == Style::sparse && is_due())) print("");
}

void ProgressLine::step(const std::string& what) {
  if (!is_due()) return;
  if (style_ == Style::in_place) {
    draw(what);
  } else {
    print(what);
  }
}

void ProgressLine::end() {
  ended_ = begun_;
  last_end_ = now_();
}

void ProgressLine::wipe() {
  if (!visible_) return;
  std::fputs(wiped_line, stream_);
  std::fflush(stream_);
  visible_ = false;
}

}  // namespace offload
