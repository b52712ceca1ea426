// SPDX-License-Identifier: Apache-2.0
// The text of --help and --version.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bench/record.hpp"

namespace offload {

struct HelpSection {
  struct Entry {
    std::string flag;
    std::string description;
  };
  std::string title;
  std::vector<Entry> entries;
};

/// Usage, the sections, exit codes and examples, no line wider than 100 columns.
std::string help_text(const std::vector<HelpSection>& sections);
std::string version_text(const BuildInfo& build);

std::string joined(const std::vector<std::string_view>& items, std::string_view separator);

}  // namespace offload
