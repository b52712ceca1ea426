// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "bench/cli/completion.hpp"

namespace offload {
namespace {

/// In single quotes.
std::string in_zsh_quotes(const std::string& text) {
  std::string text_in_quotes = "'";
  for (const char c : text) {
    if (c == '\'') {
      text_in_quotes += "'\\''";
    } else {
      text_in_quotes += c;
    }
  }
  return text_in_quotes + "'";
}

/// What completes a value, as _arguments evaluates it.
std::string zsh_action(const FlagHelp& flag) {
  const std::string names = flag.choices.empty()
                                ? ""
                                : std::string(flag.is_list ? "_sequence " : "") + "compadd - " +
                                      with_backslashes(in_words(flag.choices), ":");
  if (!flag.takes_path) return names.empty() ? " " : "{ " + names + " }";
  return names.empty() ? "_files" : "{ " + names + "; _files }";
}

std::string zsh_argument(const FlagHelp& flag, const std::string& name) {
  std::string text = flag.is_list ? "*" + name : name;
  text += "[" + with_backslashes(flag.description, "[]:\\") + "]";
  if (flag.placeholder.empty()) return in_zsh_quotes(text);
  return in_zsh_quotes(text + ":" + with_backslashes(flag.placeholder, ":\\") + ":" +
                       zsh_action(flag));
}

std::string zsh_arguments(const CommandHelp& command) {
  std::string text = "_arguments";
  for (const FlagHelp& flag : command.flags) {
    for (const std::string& name : flag.names) text += " \\\n        " + zsh_argument(flag, name);
  }
  if (!command.positional.empty()) {
    text += " \\\n        " + in_zsh_quotes(":" + command.positional + ": ");
  }
  return text;
}

}  // namespace

std::string zsh_completion(const ProgramHelp& program) {
  std::string commands;
  std::string cases;
  for (const CommandHelp& command : program.commands) {
    commands += "    " +
                in_zsh_quotes(command.name + ":" + with_backslashes(command.description, ":\\")) +
                "\n";
    cases += "    " + command.name + ")\n      " + zsh_arguments(command) + " ;;\n";
  }
  return "#compdef " + program.name + "\n_" + program.name +
         "() {\n"
         "  local -a commands=(\n" +
         commands +
         "  )\n"
         "  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  local command=" +
         program.commands.front().name +
         "\n"
         "  if ((${#commands[(r)$words[2]:*]})); then\n"
         "    command=$words[2]\n"
         "    shift words\n"
         "    ((CURRENT--))\n"
         "  fi\n"
         "  case $command in\n" +
         cases + "  esac\n}\n_" + program.name + " \"$@\"\n";
}

}  // namespace offload
