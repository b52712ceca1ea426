// SPDX-License-Identifier: Apache-2.0
// What the process reports to its caller.
#pragma once

namespace offload {

enum ExitCode : int {
  exit_ok = 0,
  exit_case_failed = 1,
  exit_usage = 2,
  exit_nothing_matched = 3,
  exit_strict_skips = 4,
  exit_dead_context = 5,  // the GPU context died: what was measured before is kept
  exit_interrupted = 130,
};

}  // namespace offload
