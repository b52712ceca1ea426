// SPDX-License-Identifier: Apache-2.0
// What --help says besides the flags, and the text of --version.
#pragma once
#include <string>

#include "bench/record.hpp"

namespace offload {

/// Google Benchmark's flags, exit codes and examples, no line wider than 100 columns.
std::string help_footer();
std::string version_text(const BuildInfo& build);

}  // namespace offload
