// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "bench/cli/completion.hpp"

namespace offload {
namespace {

std::string in_fish_quotes(const std::string& text) {
  return "'" + with_backslashes(text, "'\\") + "'";
}

std::string fish_value(const FlagHelp& flag) {
  if (flag.placeholder.empty()) return "";
  const std::string names = in_words(flag.choices);
  std::string text = flag.takes_path ? " -r -F" : " -x";
  if (names.empty()) return text;
  return text + " -a " + in_fish_quotes(flag.is_list ? "(__fish_append , " + names + ")" : names);
}

std::string fish_names(const FlagHelp& flag) {
  std::string text;
  for (const std::string& name : flag.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  return text;
}

}  // namespace

std::string fish_completion(const ProgramHelp& program) {
  const std::string complete = "complete -c " + program.name;
  std::string text = "# " + program.name + ": completion for fish\n" + complete + " -f\n";
  std::string others;  // commands that must be written
  for (const CommandHelp& command : program.commands) {
    text += complete + " -n __fish_use_subcommand -a " + command.name + " -d " +
            in_fish_quotes(command.description) + "\n";
    if (&command != &program.commands.front()) others += " " + command.name;
  }
  for (const CommandHelp& command : program.commands) {
    const bool is_first = &command == &program.commands.front();
    const std::string when = is_first ? "not __fish_seen_subcommand_from" + others
                                      : "__fish_seen_subcommand_from " + command.name;
    for (const FlagHelp& flag : command.flags) {
      text += complete + " -n " + in_fish_quotes(when) + fish_names(flag) + fish_value(flag) +
              " -d " + in_fish_quotes(flag.description) + "\n";
    }
  }
  return text;
}

}  // namespace offload
