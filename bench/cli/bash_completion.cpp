// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <vector>

#include "bench/cli/completion.hpp"

namespace offload {
namespace {

// Bash gives a word for each side of an equals sign, and one for the sign.
constexpr const char* script_begin = R"(_offload_bench() {
  local current=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $current == "=" ]]; then
    current=
  elif [[ $flag == "=" ]]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  local command=@FIRST@
  if ((COMP_CWORD > 1)); then
    case ${COMP_WORDS[1]} in @COMMANDS@) command=${COMP_WORDS[1]} ;; esac
  fi
  local names='' list='' path='' value=''
  COMPREPLY=()
  case "$command $flag" in
)";

constexpr const char* script_end = R"(  esac
  if [[ $value ]]; then
    local before=
    if [[ $list ]]; then
      compopt -o nospace
      [[ $current != *,* ]] || before=${current%,*},
    fi
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$names" -- "${current#"$before"}")
    if [[ $path ]]; then
      compopt -o filenames
      mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current")
    fi
    return
  fi
  case $command in
@FLAGS@  esac
  ((COMP_CWORD > 1)) || names+=" @WORDS@"
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current")
}
complete -F _offload_bench @PROGRAM@
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

/// What is set for a flag that takes a value.
std::string settings_for(const FlagHelp& flag) {
  std::string set = "value=1";
  if (!flag.choices.empty()) set += " names='" + in_words(flag.choices) + "'";
  if (flag.is_list) set += " list=1";
  if (flag.takes_path) set += " path=1";
  return set;
}

/// Patterns of command and flag, by what is set for them.
std::map<std::string, std::string> patterns_of(const ProgramHelp& program) {
  std::map<std::string, std::string> patterns;
  for (const CommandHelp& command : program.commands) {
    for (const FlagHelp& flag : command.flags) {
      if (flag.placeholder.empty()) continue;
      for (const std::string& name : flag.names) {
        std::string& all = patterns[settings_for(flag)];
        all += (all.empty() ? "\"" : " | \"") + command.name + " " + name + "\"";
      }
    }
  }
  return patterns;
}

std::string flag_words(const CommandHelp& command) {
  std::string names;
  for (const FlagHelp& flag : command.flags) {
    for (const std::string& name : flag.names) names += (names.empty() ? "" : " ") + name;
  }
  return names;
}

}  // namespace

std::string bash_completion(const ProgramHelp& program) {
  std::string commands;
  std::string words;
  std::string flags;
  for (const CommandHelp& command : program.commands) {
    commands += (commands.empty() ? "" : " | ") + command.name;
    words += (words.empty() ? "" : " ") + command.name;
    flags += "    " + command.name + ") names='" + flag_words(command) + "' ;;\n";
  }
  std::string values;
  for (const auto& [set, patterns] : patterns_of(program)) {
    values.append("    ").append(patterns).append(") ").append(set).append(" ;;\n");
  }
  std::string script = replaced(script_begin, "@FIRST@", program.commands.front().name);
  script = replaced(script, "@COMMANDS@", commands) + values;
  script += replaced(replaced(script_end, "@FLAGS@", flags), "@WORDS@", words);
  return "# " + program.name + ": completion for bash\n" +
         replaced(script, "@PROGRAM@", program.name);
}

}  // namespace offload
