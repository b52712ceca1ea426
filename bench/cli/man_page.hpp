// SPDX-License-Identifier: Apache-2.0
// The manual page: what --help says of every command, in the language of man(1).
#pragma once
#include <string>

#include "bench/cli/program_help.hpp"
#include "bench/record.hpp"

namespace offload {

std::string man_page(const ProgramHelp& program, const BuildInfo& build);

}  // namespace offload
