// SPDX-License-Identifier: Apache-2.0
// The threads behind a window, without a GPU: what they do in which order, whatever their number,
// and that an error of theirs reaches whoever waits.
#include "bench/policies/parts/window_threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace offload {
namespace {

/// Keeps count of what is in the window, and of what happens out of order.
class Recorder {
 public:
  Recorder(std::size_t window, std::size_t units) : window_(window), units_(units) {}

  WindowThreads::Actions actions() {
    return {[] {}, [this](std::size_t step) { bring(step); },
            [this](std::size_t step) { drop(step); }};
  }
  void read(std::size_t step) {
    const std::lock_guard lock(mutex_);
    note(state(step) == in_window, "read what is not in the window", step);
    states_[step] = was_read;
  }
  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_;
  }
  std::size_t most_held() {
    const std::lock_guard lock(mutex_);
    return most_held_;
  }
  std::string wrong() {
    const std::lock_guard lock(mutex_);
    return wrong_;
  }

 private:
  enum State { unknown, coming, in_window, was_read, gone };

  void bring(std::size_t step) {
    {
      const std::lock_guard lock(mutex_);
      note(state(step) == unknown, "brought twice", step);
      note(step < units_ || state(step - units_) == gone, "its last step is still there", step);
      states_[step] = coming;
      ++held_;
      most_held_ = std::max(most_held_, held_);
      note(held_ <= window_, "more than the window holds", step);
    }
    pause(step);
    const std::lock_guard lock(mutex_);
    states_[step] = in_window;
  }
  void drop(std::size_t step) {
    {
      const std::lock_guard lock(mutex_);
      note(state(step) == was_read, "dropped before it was read", step);
    }
    pause(step + 1);
    const std::lock_guard lock(mutex_);
    states_[step] = gone;
    --held_;
  }
  static void pause(std::size_t step) {
    std::this_thread::sleep_for(std::chrono::microseconds(step * 7 % 5 * 20));
  }
  State state(std::size_t step) {
    if (states_.size() <= step) states_.resize(step + 1, unknown);
    return states_[step];
  }
  void note(bool right, const char* what, std::size_t step) {
    if (!right && wrong_.empty()) wrong_ = std::string(what) + ": step " + std::to_string(step);
  }

  std::size_t window_;
  std::size_t units_;
  std::mutex mutex_;
  std::vector<State> states_;
  std::size_t held_ = 0;
  std::size_t most_held_ = 0;
  std::string wrong_;
};

std::vector<std::size_t> each_by_itself(std::size_t units) {
  std::vector<std::size_t> dropped_by(units);
  std::iota(dropped_by.begin(), dropped_by.end(), 0);
  return dropped_by;
}

void expect_passes(std::size_t threads, std::size_t window, std::vector<std::size_t> dropped_by) {
  const std::size_t units = dropped_by.size();
  Recorder recorder(window, units);
  WindowThreads worker(threads, window, recorder.actions());
  worker.start(std::move(dropped_by));
  worker.await_filled();
  std::size_t step = 0;
  std::size_t held = 0;
  for (int pass = 0; pass < 4; ++pass) {
    if (pass == 1) held = recorder.held();
    for (std::size_t unit = 0; unit < units; ++unit, ++step) {
      worker.await_brought(step);
      recorder.read(step);
      worker.note_read();
    }
    worker.await_filled();
    if (pass > 0) {
      EXPECT_EQ(recorder.held(), held) << "a pass ends as it began";
    }
  }
  EXPECT_EQ(recorder.wrong(), "");
  EXPECT_LE(recorder.most_held(), window);
}

TEST(WindowThreads, BringAheadAndDropBehindPassAfterPass) {
  for (const std::size_t threads : {1, 2, 5}) {
    for (const std::size_t window : {1, 2, 3, 8}) {
      for (const std::size_t units : {1, 2, 3, 7, 20}) {
        SCOPED_TRACE(std::to_string(threads) + " threads, a window of " + std::to_string(window) +
                     ", " + std::to_string(units) + " units");
        expect_passes(threads, window, each_by_itself(units));
      }
    }
  }
}

TEST(WindowThreads, AUnitWaitsForWhoeverDropsItsBlocks) {
  expect_passes(2, 3, {4, 1, 4, 3, 4});
  expect_passes(3, 8, {2, 2, 2});
}

TEST(WindowThreads, TheWindowIsFullBeforeAnythingIsRead) {
  Recorder recorder(3, 10);
  WindowThreads worker(2, 3, recorder.actions());
  worker.start(each_by_itself(10));
  worker.await_filled();
  EXPECT_EQ(recorder.held(), 3U);
  EXPECT_TRUE(worker.running());
}

TEST(WindowThreads, StartAfreshAfterAPause) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> going_on{0};
    const auto brief = [&going_on](std::size_t) {
      ++going_on;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      --going_on;
    };
    WindowThreads worker(2, 4, {[] {}, brief, brief});
    worker.start(each_by_itself(9));
    worker.await_filled();
    for (std::size_t step = 0; step < 5; ++step) {
      worker.await_brought(step);
      worker.note_read();
    }
    worker.pause();
    EXPECT_EQ(going_on, 0);
    EXPECT_FALSE(worker.running());
    worker.start(each_by_itself(2));
    worker.await_filled();
    for (std::size_t step = 0; step < 6; ++step) {
      worker.await_brought(step);
      worker.note_read();
    }
    worker.await_filled();
  }
}

TEST(WindowThreads, WithoutUnitsThereIsNothingToWaitFor) {
  WindowThreads worker(2, 2, {[] {}, [](std::size_t) {}, [](std::size_t) {}});
  worker.start({});
  worker.await_filled();
  worker.pause();
}

TEST(WindowThreads, AnErrorReachesTheReaderAndEndsEverything) {
  const auto fail = [](std::size_t step) {
    if (step == 3) throw std::runtime_error("step 3");
  };
  const auto nothing = [](std::size_t) {};
  const std::vector<WindowThreads::Actions> failing{
      {[] {}, fail, nothing},
      {[] {}, nothing, fail},
      {[] { throw std::runtime_error("no thread can begin"); }, nothing, nothing}};
  for (const WindowThreads::Actions& actions : failing) {
    WindowThreads worker(2, 2, actions);
    const auto read_all = [&worker] {
      worker.start(each_by_itself(8));
      worker.await_filled();
      for (std::size_t step = 0; step < 8; ++step) {
        worker.await_brought(step);
        worker.note_read();
      }
      worker.await_filled();
    };
    EXPECT_THROW(read_all(), std::runtime_error);
    EXPECT_THROW(worker.await_filled(), std::runtime_error);
    EXPECT_THROW(worker.start(each_by_itself(8)), std::runtime_error);
  }
}

}  // namespace
}  // namespace offload
