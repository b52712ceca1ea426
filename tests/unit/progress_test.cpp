// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

namespace offload {
namespace {

using namespace std::chrono_literals;

/// A stream to write to, and what was written.
class Sink {
 public:
  explicit Sink(bool terminal, unsigned short columns = 80) {
    if (!terminal) {
      std::array<int, 2> ends{};
      EXPECT_EQ(pipe(ends.data()), 0);
      reader_ = ends[0];
      stream_ = fdopen(ends[1], "w");
    } else {
      reader_ = posix_openpt(O_RDWR | O_NOCTTY);
      EXPECT_EQ(grantpt(reader_), 0);
      EXPECT_EQ(unlockpt(reader_), 0);
      const int writer = open(ptsname(reader_), O_RDWR | O_NOCTTY);
      winsize size{};
      size.ws_col = columns;
      EXPECT_EQ(ioctl(writer, TIOCSWINSZ, &size), 0);
      stream_ = fdopen(writer, "w");
    }
    fcntl(reader_, F_SETFL, O_NONBLOCK);
  }
  ~Sink() {
    std::fclose(stream_);
    close(reader_);
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  std::FILE* stream() const { return stream_; }
  /// What was written since the last call.
  std::string take() const {
    std::fflush(stream_);
    std::string text;
    std::array<char, 4096> chunk{};
    for (ssize_t n = 0; (n = read(reader_, chunk.data(), chunk.size())) > 0;) {
      text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  int reader_ = -1;
  std::FILE* stream_ = nullptr;
};

class ProgressTest : public testing::Test {
 protected:
  void SetUp() override { setenv("TERM", "xterm", 1); }  // NOLINT(concurrency-mt-unsafe)
  ProgressLine line(Progress mode, std::vector<double> weights, const Sink& sink) {
    return {mode, std::move(weights), sink.stream(), [this] { return now_; }};
  }
  ProgressLine::Clock::time_point now_{};
};

constexpr const char* wiped = "\r\x1b[K";

TEST_F(ProgressTest, SaysNothingOfAShortRunInALog) {
  const Sink sink(false);
  auto progress = line(Progress::automatic, {1, 1}, sink);
  progress.begin("a");
  now_ += 20s;
  progress.step("sample 1/2");
  progress.end();
  now_ += 9s;
  progress.begin("b");
  progress.wipe();
  EXPECT_EQ(sink.take(), "");
}

TEST_F(ProgressTest, GivesALogALineEachHalfMinute) {
  for (const Progress mode : {Progress::automatic, Progress::always}) {
    const Sink sink(false);
    now_ = {};
    auto progress = line(mode, {1, 3}, sink);
    progress.begin("a");
    now_ += 10s;
    progress.end();
    progress.begin("b");
    (void)sink.take();
    now_ += 20s;
    if (mode == Progress::always) now_ += 10s;  // its last line is the beginning's
    progress.step("sample 1");
    EXPECT_EQ(sink.take(), mode == Progress::always ? "[2/2] b, sample 1, 40 s, about 0 s left\n"
                                                    : "[2/2] b, sample 1, 30 s, about 10 s left\n");
    now_ += 29s;
    progress.step("sample 2");
    EXPECT_EQ(sink.take(), "");
    now_ += 1s;
    progress.step("sample 3");
    EXPECT_EQ(sink.take(), mode == Progress::always
                               ? "[2/2] b, sample 3, 1 min 10 s, about 0 s left\n"
                               : "[2/2] b, sample 3, 1 min 00 s, about 0 s left\n");
  }
}

TEST_F(ProgressTest, ABeginningIsALineInALogWhenOneIsDue) {
  const Sink sink(false);
  auto progress = line(Progress::automatic, {1, 1}, sink);
  progress.begin("a");
  now_ += 40s;
  progress.end();
  progress.begin("b");
  EXPECT_EQ(sink.take(), "[2/2] b, 40 s, about 40 s left\n");
}

TEST_F(ProgressTest, NeverMeansNotInALogEither) {
  const Sink sink(false);
  auto progress = line(Progress::never, {1}, sink);
  progress.begin("a");
  now_ += 60s;
  progress.step("sample 1");
  EXPECT_EQ(sink.take(), "");
}

TEST_F(ProgressTest, NeverMeansNotOnATerminalEither) {
  const Sink sink(true);
  auto progress = line(Progress::never, {1}, sink);
  progress.begin("a");
  progress.step("sample 1/2");
  EXPECT_EQ(sink.take(), "");
}

TEST_F(ProgressTest, AlwaysWritesOnePlainLinePerCase) {
  const Sink sink(false);
  auto progress = line(Progress::always, {1, 3}, sink);
  progress.begin("a");
  progress.step("sample 1/2");
  EXPECT_EQ(sink.take(), "[1/2] a, 0 s\n");
  now_ += 10s;
  progress.end();
  progress.begin("b");
  EXPECT_EQ(sink.take(), "[2/2] b, 10 s, about 30 s left\n");
}

TEST_F(ProgressTest, TimeLeftCountsDownWithinACaseAndNeverBelowTheLaterOnes) {
  const Sink sink(true);
  auto progress = line(Progress::automatic, {1, 2, 5}, sink);
  progress.begin("a");
  now_ += 10s;
  progress.end();
  progress.begin("b");
  now_ += 15s;
  (void)sink.take();
  progress.step("");
  EXPECT_NE(sink.take().find("about 55 s left"), std::string::npos);  // 20 - 15 + 50
  now_ += 60s;
  progress.step("");
  EXPECT_NE(sink.take().find("about 50 s left"), std::string::npos);
}

TEST_F(ProgressTest, RewritesTheLineOnATerminalAndWipesIt) {
  const Sink sink(true);
  auto progress = line(Progress::automatic, {1}, sink);
  progress.begin("a");
  EXPECT_EQ(sink.take(), std::string(wiped) + "[1/1] a, 0 s");
  now_ += 1s;
  progress.step("sample 1/2");
  EXPECT_EQ(sink.take(), std::string(wiped) + "[1/1] a, sample 1/2, 1 s");
  progress.wipe();
  EXPECT_EQ(sink.take(), wiped);
  progress.wipe();
  EXPECT_EQ(sink.take(), "");
}

TEST_F(ProgressTest, DrawsTenTimesASecondAtMost) {
  const Sink sink(true);
  auto progress = line(Progress::automatic, {1}, sink);
  progress.begin("a");
  (void)sink.take();
  now_ += 99ms;
  progress.step("early");
  EXPECT_EQ(sink.take(), "");
  now_ += 1ms;
  progress.step("due");
  EXPECT_NE(sink.take().find("due"), std::string::npos);
}

TEST_F(ProgressTest, FitsTheTerminal) {
  const Sink sink(true, 20);
  auto progress = line(Progress::automatic, {1}, sink);
  progress.begin("gemv/managed_demand/llama3.1-8b.down_proj/cold");
  EXPECT_EQ(sink.take(), std::string(wiped) + "[1/1] gemv/managed_");
}

TEST_F(ProgressTest, LeavesNothingBehindOnATerminal) {
  const Sink sink(true);
  {
    auto progress = line(Progress::automatic, {1}, sink);
    progress.begin("a");
    (void)sink.take();
  }
  EXPECT_EQ(sink.take(), wiped);
}

TEST_F(ProgressTest, ErasesNothingOnATerminalThatCannot) {
  setenv("TERM", "dumb", 1);  // NOLINT(concurrency-mt-unsafe)
  const Sink sink(true);
  auto progress = line(Progress::automatic, {1}, sink);
  progress.begin("a");
  EXPECT_EQ(sink.take().find('\x1b'), std::string::npos);
}

TEST(FormatDuration, UsesTheTwoLargestUnits) {
  EXPECT_EQ(format_duration(0.4), "0 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(185), "3 min 05 s");
  EXPECT_EQ(format_duration(3720), "1 h 02 min");
}

}  // namespace
}  // namespace offload
