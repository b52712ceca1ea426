// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/start_line.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace offload {
namespace {

constexpr std::size_t members = 3;

/// `work` on as many threads, each with its number.
void on_threads(const std::function<void(std::size_t)>& work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < members; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(StartLine, LetsNobodyGoBeforeAllHaveArrived) {
  StartLine line(members, false);
  std::atomic<int> arrived{0};
  std::atomic<bool> early{false};
  on_threads([&](std::size_t index) {
    for (int turn = 1; turn <= 50; ++turn) {
      // Whoever is last takes its time.
      if (index == static_cast<std::size_t>(turn) % members) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      ++arrived;
      line.line_up(nullptr, false);
      if (arrived.load() < turn * static_cast<int>(members)) early = true;
    }
  });
  EXPECT_FALSE(early.load());
}

TEST(StartLine, AgreesOnTheMostThatAnybodyHas) {
  StartLine line(members, false);
  std::vector<std::vector<double>> agreed(members);
  on_threads([&](std::size_t index) {
    for (int turn = 0; turn < 50; ++turn) {
      // Each in turn has the most; a turn's most is less than the one before.
      const bool most = index == static_cast<std::size_t>(turn) % members;
      agreed[index].push_back(line.agree(-turn - (most ? 0.0 : 0.5)));
      line.line_up(nullptr, true);
    }
  });
  for (const auto& of_one : agreed) {
    ASSERT_EQ(of_one.size(), 50U);
    for (int turn = 0; turn < 50; ++turn) {
      EXPECT_EQ(of_one[static_cast<std::size_t>(turn)], -turn);
    }
  }
}

TEST(StartLine, LetsEverybodyGoWhoWaitsForOneThatLeft) {
  StartLine line(members, false);
  std::atomic<int> abandoned{0};
  on_threads([&](std::size_t index) {
    line.line_up(nullptr, false);
    if (index == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      line.leave();
      return;
    }
    try {
      if (index == 1) {
        line.line_up(nullptr, false);
      } else {
        line.agree(1);
      }
    } catch (const Abandoned&) {
      ++abandoned;
    }
  });
  EXPECT_EQ(abandoned.load(), 2);
  EXPECT_THROW(line.line_up(nullptr, false), Abandoned);  // nor does it wait later
  EXPECT_THROW(line.agree(1), Abandoned);
}

}  // namespace
}  // namespace offload
