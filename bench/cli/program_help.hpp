// SPDX-License-Identifier: Apache-2.0
// What --help says, as plain data: what the man page and the shells' completions are made of.
#pragma once
#include <string>
#include <vector>

namespace offload {

struct FlagHelp {
  std::vector<std::string> names;    // "-q", "--quiet"
  std::string placeholder;           // of its value; "" where it takes none
  std::string description;           // with its default
  std::string heading;               // of the flags it stands among
  std::vector<std::string> choices;  // what the value may be, as far as there are names
  bool is_list = false;              // of such values, with commas between
  bool takes_path = false;           // instead of one of the choices, where there are any

  bool operator==(const FlagHelp&) const = default;
};

struct CommandHelp {
  std::string name, description;
  std::string positional, positional_description;  // "" without
  std::string footer;
  std::vector<FlagHelp> flags;
};

struct ProgramHelp {
  std::string name, description;
  std::vector<CommandHelp> commands;  // the first may be left out
};

}  // namespace offload
