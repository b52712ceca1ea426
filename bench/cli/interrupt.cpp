// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/interrupt.hpp"

#include <atomic>
#include <cerrno>
#include <ctime>

namespace offload {
namespace {

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

// A handler can reach nothing but what has static storage.
std::atomic<int> first_signal{0};
std::atomic<std::time_t> first_time{0};
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<std::time_t>::is_always_lock_free);

// timeout(1) and batch systems send a signal to the process and to its group: that is one request.
constexpr std::time_t same_request_seconds = 2;

std::time_t seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

extern "C" void on_signal(int signal) {
  const int saved_errno = errno;
  // The second signal of one request may run in another thread before this one is through.
  const std::time_t now = seconds_now() + 1;  // 0 stands for none
  std::time_t first = 0;
  if (first_time.compare_exchange_strong(first, now)) {
    first_signal = signal;
  } else if (now - first >= same_request_seconds) {
    // Asked again: the default action, as soon as this handler returns and unblocks the signal.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    raise(signal);
  }
  errno = saved_errno;
}

}  // namespace

int pending_signal() { return first_signal.load(); }

void leave_if_interrupted() {
  if (const int signal = pending_signal()) throw Interrupted{signal};
}

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "signal";
  }
}

InterruptGuard::InterruptGuard() {
  first_signal = 0;
  first_time = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // writing results must not fail halfway for it
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    sigaction(signals[i], nullptr, &previous_[i]);
    if (previous_[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &previous_[i], nullptr);
}

}  // namespace offload
