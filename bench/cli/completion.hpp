// SPDX-License-Identifier: Apache-2.0
// What shells complete command lines by: commands, flags and the names that values may be.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bench/cli/program_help.hpp"

namespace offload {

std::vector<std::string_view> completed_shells();
/// A script for one of these.
std::string completion_for(std::string_view shell, const ProgramHelp& program);

// A file each.
std::string bash_completion(const ProgramHelp& program);
std::string zsh_completion(const ProgramHelp& program);
std::string fish_completion(const ProgramHelp& program);

/// "a b c"
std::string in_words(const std::vector<std::string>& words);
/// `text` with a backslash before each of `special`.
std::string with_backslashes(std::string_view text, std::string_view special);

}  // namespace offload
