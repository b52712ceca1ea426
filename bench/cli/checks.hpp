// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a command line whose flags are all well-formed.
#pragma once
#include <string>
#include <vector>

#include "bench/options.hpp"

namespace offload {

/// The flags for Google Benchmark among arguments that are not our own. Throws UsageError for any
/// other, which names the closest of `known` flags, the command it has become, or its equals sign.
std::vector<std::string> take_benchmark_flags(const std::vector<std::string>& arguments,
                                              const std::vector<std::string>& known);

/// Throws UsageError for options that contradict each other.
void check_options(const Options& options);

}  // namespace offload
