// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/man_page.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "bench/cli/completion.hpp"
#include "bench/cli/help.hpp"
#include "bench/core/names.hpp"
#include "bench/core/text.hpp"

namespace offload {
namespace {

/// As it stands, wherever in a line it does.
std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool begins_line = escaped.empty() || escaped.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) escaped += "\\&";  // it would be a request
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";  // a hyphen may become another character, that no shell takes
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string section(std::string_view title) { return ".SH " + roff(title) + "\n"; }

std::string entry(const std::string& term, std::string_view text) {
  return ".TP\n" + term + "\n" + roff(text) + "\n";
}

std::string verbatim(std::string_view text) { return ".nf\n" + roff(text) + ".fi\n"; }

std::string term_of(const FlagHelp& flag) {
  std::string term;
  for (const std::string& name : flag.names) term += (term.empty() ? "" : ", ") + bold(name);
  return flag.placeholder.empty() ? term : term + " " + italic(flag.placeholder);
}

std::vector<std::string> headings_of(const std::vector<FlagHelp>& flags) {
  std::vector<std::string> headings;
  for (const FlagHelp& flag : flags) {
    if (std::ranges::find(headings, flag.heading) == headings.end()) {
      headings.push_back(flag.heading);
    }
  }
  return headings;
}

std::string flags_text(const std::vector<FlagHelp>& flags) {
  std::string text;
  for (const std::string& heading : headings_of(flags)) {
    text += ".SS \"" + roff(heading) + "\"\n";
    for (const FlagHelp& flag : flags) {
      if (flag.heading == heading) text += entry(term_of(flag), flag.description);
    }
  }
  return text;
}

std::string commands_text(const ProgramHelp& program) {
  std::string text = section("COMMANDS");
  for (const CommandHelp& command : program.commands) {
    std::string term = bold(command.name);
    if (!command.positional.empty()) term += " " + italic(command.positional);
    std::string what = command.description;
    if (!command.positional.empty()) {
      what += "; " + command.positional + ": " + command.positional_description;
    }
    text += entry(term, what);
  }
  return text;
}

/// Commands of the same flags share one list of them.
std::string options_text(const ProgramHelp& program) {
  std::string text;
  std::vector<const CommandHelp*> rest;
  for (const CommandHelp& command : program.commands) rest.push_back(&command);
  while (!rest.empty()) {
    const std::vector<FlagHelp>& flags = rest.front()->flags;
    std::vector<std::string> names;
    std::erase_if(rest, [&](const CommandHelp* command) {
      if (command->flags != flags) return false;
      names.push_back(command->name);
      return true;
    });
    text += section("OPTIONS OF " + enumerate(names)) + flags_text(flags);
  }
  return text;
}

std::string exit_codes_text() {
  std::string text = section("EXIT STATUS");
  for (const auto& [code, meaning] : exit_code_meanings()) {
    text += entry(bold(std::to_string(code)), meaning);
  }
  return text;
}

/// "Measures ways ..." as what stands behind a name and a dash.
std::string uncapitalized(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  return to_lower(text.substr(0, 1)) + text.substr(1);
}

}  // namespace

std::string man_page(const ProgramHelp& program, const BuildInfo& build) {
  const std::string& name = program.name;
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return ".TH " + upper + " 1 \"\" \"" + name + " " + build.version + "\" \"User Commands\"\n" +
         section("NAME") + roff(name) + " \\- " + roff(uncapitalized(program.description)) + "\n" +
         section("SYNOPSIS") + bold(name) + " [" + italic("command") + "] [" + italic("flags") +
         "]\n.br\n" + bold(name) + " " + bold("--man") + " | " + bold("--completion") + " " +
         italic("SHELL") + "\n" + section("DESCRIPTION") + roff(program.description) +
         "\nWithout a command it is " + bold(program.commands.front().name) +
         ".\nResults go to stdout, messages and progress to stderr.\n.PP\n" + bold("--man") +
         " prints this page, " + bold("--completion") + " what " +
         roff(joined(completed_shells(), ", ")) + " complete command lines by.\n" +
         commands_text(program) + options_text(program) + ".SS \"Google Benchmark's\"\n" +
         entry(bold("--benchmark_*=") + italic("VALUE"), benchmark_flags_meaning()) +
         exit_codes_text() + section("ENVIRONMENT") +
         entry(bold("NO_COLOR"), "set and not empty, no color unless --color always is given") +
         section("EXAMPLES") + verbatim(examples());
}

}  // namespace offload
