// SPDX-License-Identifier: Apache-2.0
// The files that a command would write, held against each other and against those that it reads.
#pragma once
#include "bench/options.hpp"

namespace offload {

/// Throws UsageError for an output that would replace what the command reads, or another output, or
/// what another keeps beside itself until it is whole.
void check_outputs(const Options& options);

}  // namespace offload
