// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a command line whose values are all well-formed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bench/options.hpp"

namespace offload {

/// Throws UsageError for a word that could be a command, and is none of them. Others are looked at
/// where flags are: they stand in a wrong place, whatever they mean.
void refuse_unknown_command(const std::string& word, const std::vector<std::string_view>& commands);

/// Throws UsageError for ",," and the like after a flag of `lists`: CLI11 passes over them. An item
/// may be empty because a shell variable is.
void refuse_empty_items(const std::vector<std::string>& lists,
                        const std::vector<std::string>& arguments);

/// The flags for Google Benchmark among arguments that are not our own. Throws UsageError for any
/// other, which names the closest of `known` flags, the command it has become, or its equals sign.
std::vector<std::string> take_benchmark_flags(const std::vector<std::string>& arguments,
                                              const std::vector<std::string>& known);

/// Throws UsageError for options that contradict each other.
void check_options(const Options& options);

}  // namespace offload
