// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/completion.hpp"

#include <array>

#include "bench/core/names.hpp"

namespace offload {
namespace {

using Write = std::string (*)(const ProgramHelp&);
constexpr std::array<Named<Write>, 3> shells{
    {{"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}}};

}  // namespace

std::vector<std::string_view> completed_shells() { return names_in(shells); }

std::string completion_for(std::string_view shell, const ProgramHelp& program) {
  for (const auto& [name, write] : shells) {
    if (name == shell) return write(program);
  }
  return "";
}

std::string in_words(const std::vector<std::string>& words) {
  return joined(std::vector<std::string_view>(words.begin(), words.end()), " ");
}

std::string with_backslashes(std::string_view text, std::string_view special) {
  std::string escaped;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace offload
