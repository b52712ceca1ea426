// SPDX-License-Identifier: Apache-2.0
// Examines the machine: probes it, measures for some seconds, reports.
#pragma once
#include "bench/options.hpp"

namespace offload {

/// Returns the exit code: exit_ok with nothing to look at, exit_case_failed with something. Throws
/// UsageError before anything is allocated.
int run_doctor(const Options& options);

}  // namespace offload
