// SPDX-License-Identifier: Apache-2.0
#include "bench/report/redactor.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "bench/report/redact.hpp"

namespace offload {
namespace {

constexpr std::string_view blanks_and_marks = " \t\r\n\"'`=,;:()[]<>";

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

std::string replaced_word(std::string text, std::string_view word, std::string_view by) {
  auto from = text.begin();
  while (true) {
    const auto found = std::search(from, text.end(), word.begin(), word.end(), same_letter);
    if (found == text.end()) return text;
    const auto begin = static_cast<std::size_t>(found - text.begin());
    const auto end = begin + word.size();
    const bool starts = begin == 0 || !is_word(text[begin - 1]);
    const bool ends = end == text.size() || !is_word(text[end]);
    if (starts && ends) text.replace(begin, word.size(), by);
    const auto next = starts && ends ? begin + by.size() : begin + 1;
    from = text.begin() + static_cast<std::ptrdiff_t>(next);
  }
}

/// Where Linux describes itself: these paths are the same everywhere.
bool is_of_the_system(std::string_view path) {
  return path == "/sys" || path.starts_with("/sys/") || path.starts_with("/proc/");
}

/// Rates such as GB/s and names of cases have slashes too, but start with none.
bool is_path(std::string_view word) {
  constexpr std::array<std::string_view, 4> starts{"/", "~", "./", "../"};
  return word.find('/') != std::string_view::npos && !is_of_the_system(word) &&
         std::ranges::any_of(starts,
                             [&](std::string_view start) { return word.starts_with(start); });
}

std::string with_short_paths(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(blanks_and_marks), text.size());
    const auto word = text.substr(0, end);
    out += is_path(word) ? last_component(word) : std::string(word);
    if (end < text.size()) out += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// Where a path begins with `directory`; in the middle of one it is another.
std::string without_directory(std::string text, std::string_view directory) {
  std::size_t at = 0;
  while ((at = text.find(directory, at)) != std::string::npos) {
    const char before = at == 0 ? ' ' : text[at - 1];
    if (is_word(before) || before == '/' || before == '.' || before == '~') {
      ++at;
    } else {
      text.erase(at, directory.size());
    }
  }
  return text;
}

void keep_longest_first(std::vector<std::string>& texts, std::string text) {
  texts.push_back(std::move(text));
  std::ranges::stable_sort(texts, std::ranges::greater(), &std::string::size);
}

}  // namespace

std::string last_component(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || path.size() == 1) return std::string(path);
  return std::string(path.substr(slash + 1));
}

void Redactor::hide(std::string_view secret) {
  // These name nobody, and one letter is in the way of everything.
  constexpr std::array<std::string_view, 3> common{"root", "user", "localhost"};
  if (secret.size() < 2 || std::ranges::find(common, secret) != common.end()) return;
  keep_longest_first(secrets_, std::string(secret));
}

void Redactor::hide_directory(std::string_view directory) {
  while (!directory.empty() && directory.back() == '/') directory.remove_suffix(1);
  if (directory.empty() || directory == ".") return;
  keep_longest_first(directories_, std::string(directory) + '/');
}

std::string Redactor::without_secrets(std::string text) const {
  for (const std::string& secret : secrets_) {
    text = replaced_word(std::move(text), secret, redacted_text);
  }
  return text;
}

std::string Redactor::text(std::string_view text) const {
  std::string out(text);
  for (const std::string& directory : directories_) out = without_directory(out, directory);
  return without_secrets(with_short_paths(out));
}

std::string Redactor::value(std::string_view value) const {
  const auto holds = [&](std::string_view part) {
    return value.find(part) != std::string_view::npos;
  };
  // A colon: PCI addresses, hosts with ports.
  if (holds("/") || holds(":") || holds("GPU-") || holds("MIG-")) return redacted_text;
  return without_secrets(std::string(value));
}

/// Lists are separated by commas.
std::string Redactor::option_value(std::string_view flag, std::string_view value) const {
  if (flag == "--benchmark_context") return redacted_text;
  // Names of cases have slashes, but are no paths.
  if (flag == "--benchmark_filter" || flag == "explain") return text(value);
  std::string out;
  while (true) {
    const auto comma = std::min(value.find(','), value.size());
    out += last_component(value.substr(0, comma));
    if (comma == value.size()) return without_secrets(std::move(out));
    out += ',';
    value.remove_prefix(comma + 1);
  }
}

std::string Redactor::argument(std::string_view argument, std::string_view previous) const {
  const auto equals = argument.find('=');
  if (!argument.starts_with("--")) return option_value(previous, argument);
  if (equals == std::string_view::npos) return std::string(argument);
  const auto flag = argument.substr(0, equals);
  return std::string(flag) + '=' + option_value(flag, argument.substr(equals + 1));
}

std::vector<std::string> Redactor::arguments(const std::vector<std::string>& arguments) const {
  std::vector<std::string> out;
  out.reserve(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    out.push_back(argument(arguments[i], i > 0 ? arguments[i - 1] : ""));
  }
  return out;
}

}  // namespace offload
