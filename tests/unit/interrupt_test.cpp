// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/interrupt.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace offload {
namespace {

class Interrupt : public testing::Test {
 protected:
  // A shell starts background jobs with SIGINT ignored; these tests are about a process that is
  // not.
  Interrupt() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
  }
};
using InterruptDeathTest = Interrupt;

TEST_F(Interrupt, NothingIsPendingBeforeASignal) {
  const InterruptGuard guard;
  EXPECT_EQ(pending_signal(), 0);
}

TEST_F(Interrupt, TheFirstSignalIsRememberedAndDoesNotEndTheProcess) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const InterruptGuard guard;
    std::raise(signal);
    EXPECT_EQ(pending_signal(), signal);
  }
}

TEST_F(Interrupt, ANewGuardForgets) {
  {
    const InterruptGuard guard;
    std::raise(SIGTERM);
  }
  const InterruptGuard guard;
  EXPECT_EQ(pending_signal(), 0);
}

// Among those that run first: a process that has grown takes long to fork.
TEST_F(InterruptDeathTest, TwoThreadsThatTakeOneRequestDoNotEndTheProcess) {
  for (int round = 0; round < 1000; ++round) {
    const pid_t child = fork();
    if (child == 0) {  // where no signal came before
      const InterruptGuard guard;
      std::atomic<int> ready{0};
      const auto take = [&ready] {
        ++ready;
        while (ready < 2) std::this_thread::yield();
        std::raise(SIGTERM);
      };
      std::thread other(take);
      take();
      other.join();
      _exit(pending_signal() == SIGTERM ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "in round " << round;
  }
}

TEST_F(InterruptDeathTest, ALaterSignalEndsTheProcessByThatSignal) {
  EXPECT_EXIT(
      {
        const InterruptGuard guard;
        std::raise(SIGTERM);
        std::this_thread::sleep_for(std::chrono::milliseconds(3100));
        std::raise(SIGINT);
        std::exit(0);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST_F(Interrupt, SignalsAtOnceAreOneRequest) {
  const InterruptGuard guard;
  std::raise(SIGTERM);
  std::raise(SIGTERM);
  std::raise(SIGINT);
  EXPECT_EQ(pending_signal(), SIGTERM);
}

TEST_F(InterruptDeathTest, AfterTheGuardTheOldActionIsBack) {
  EXPECT_EXIT(
      {
        { const InterruptGuard guard; }
        std::raise(SIGTERM);
        std::exit(0);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST_F(InterruptDeathTest, AnIgnoredHangupStaysIgnored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        const InterruptGuard guard;
        std::raise(SIGHUP);
        std::raise(SIGHUP);
        std::exit(pending_signal() == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(Interrupt, SignalsHaveTheirNames) {
  EXPECT_STREQ(signal_name(SIGINT), "SIGINT");
  EXPECT_STREQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_STREQ(signal_name(SIGHUP), "SIGHUP");
}

}  // namespace
}  // namespace offload
