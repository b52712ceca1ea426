// SPDX-License-Identifier: Apache-2.0
// argv to Options.
#pragma once
#include <optional>
#include <string>
#include <variant>

#include "bench/catalog.hpp"
#include "bench/options.hpp"

namespace offload {

/// Text to print on stdout before leaving with exit code 0 (--help, --version).
struct EarlyExit {
  std::string text;
};

/// Throws UsageError (one clear line, with a suggestion for misspelt names) on anything unknown,
/// out of range or contradictory. Nothing is allocated and no GPU is touched.
std::variant<Options, EarlyExit> parse_command_line(int argc, const char* const* argv,
                                                    const Catalog& catalog);

}  // namespace offload
