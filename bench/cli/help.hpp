// SPDX-License-Identifier: Apache-2.0
// What --help says besides the flags, and the text of --version.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bench/cli/exit_code.hpp"
#include "bench/record.hpp"

namespace offload {

/// Google Benchmark's flags, exit codes and examples, no line wider than 100 columns.
std::string help_footer();

std::string_view benchmark_flags_meaning();
std::span<const std::pair<ExitCode, std::string_view>> exit_code_meanings();
std::string_view examples();  // lines
std::string version_text(const BuildInfo& build);

}  // namespace offload
