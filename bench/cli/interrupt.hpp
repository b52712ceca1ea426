// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and its kin ask the run to end after the current step; another one, two seconds later or
// more, ends it at once.
#pragma once
#include <signal.h>

#include <array>

namespace offload {

/// The first SIGINT, SIGTERM or SIGHUP that arrived under the current InterruptGuard; 0 if none
/// did.
int pending_signal();
/// Thrown between two steps to leave what the user has interrupted.
struct Interrupted {
  int signal;
};
/// Throws Interrupted when a signal is pending.
void leave_if_interrupted();
/// "SIGINT"
const char* signal_name(int signal);

/// Handles the three signals while it lives, then puts back what was there before. A signal that
/// was ignored when it began stays ignored, as nohup wants it. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  std::array<struct sigaction, 3> previous_{};
};

}  // namespace offload
