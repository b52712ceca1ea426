// SPDX-License-Identifier: Apache-2.0
// The command line, and the values of its flags.
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/cli/command_line.hpp"
#include "bench/core/files.hpp"
#include "bench/core/text.hpp"
#include "offload/units.hpp"
#include "offload/weights.hpp"
#include "tests/unit/fuzz/readers.hpp"
#include "tests/unit/fuzz/verdict.hpp"

namespace offload::fuzz {

bool takes_command_line(std::string_view lines) {
  static const Catalog catalog = make_catalog();
  // As the system gives them: no zero byte inside.
  std::vector<std::string> arguments{"offload_bench"};
  for (const std::string_view line : lines_of(lines)) {
    arguments.emplace_back(line.substr(0, line.find('\0')));
  }
  std::vector<const char*> words;
  words.reserve(arguments.size());
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  return takes([&] {
    const auto parsed = parse_command_line(static_cast<int>(words.size()), words.data(), catalog);
    if (const auto* early = std::get_if<EarlyExit>(&parsed)) {
      if (early->text.empty()) throw std::logic_error("no text to leave with");
    }
  });
}

bool takes_values(std::string_view text) {
  static_cast<void>(numbers_in_list(text));
  static_cast<void>(count_in_list(text));
  static_cast<void>(kib_of(text, "MemTotal"));
  const bool size = takes([&] { parse_sizes(text); });
  const bool rate = takes([&] { parse_rate(text); });
  const bool tensor = takes([&] { parse_tensor(text); });
  return size || rate || tensor;
}

}  // namespace offload::fuzz
