// SPDX-License-Identifier: Apache-2.0
#include "bench/core/files.hpp"

#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>

#include "bench/core/numbers.hpp"

namespace offload {

std::string read_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};  // a pipe may never end
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view value_of(std::string_view text, std::string_view key) {
  for (const auto line : lines_of(text)) {
    if (line.substr(0, key.size()) != key) continue;
    auto rest = line.substr(key.size());
    // "active_file" must not answer for "active".
    if (rest.empty() || rest.find_first_of(": \t") != 0) continue;
    rest = trimmed(rest);
    if (!rest.empty() && rest.front() == ':') rest.remove_prefix(1);
    return trimmed(rest);
  }
  return {};
}

std::optional<std::size_t> leading_number(std::string_view text) {
  text = trimmed(text);
  std::size_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc{}) return std::nullopt;
  return number;
}

std::optional<std::size_t> kib_of(std::string_view text, std::string_view key) {
  const auto kib = leading_number(value_of(text, key));
  if (!kib) return std::nullopt;
  return *kib * 1024;
}

std::optional<std::size_t> exact_number(std::string_view text) {
  return parse_number<std::size_t>(trimmed(text));
}

namespace {

/// Calls `take` with the first and the last number of each part of "0-3,8".
template <typename Take>
void for_each_range(std::string_view text, const Take& take) {
  text = trimmed(text);
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto part = text.substr(0, comma);
    const auto dash = part.find('-');
    const auto first = leading_number(part.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : leading_number(part.substr(dash + 1));
    if (first && last && *last >= *first) take(*first, *last);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
}

}  // namespace

std::size_t count_in_list(std::string_view text) {
  std::size_t count = 0;
  for_each_range(text, [&](std::size_t first, std::size_t last) { count += last - first + 1; });
  return count;
}

std::vector<int> numbers_in_list(std::string_view text) {
  constexpr std::size_t most = 65536;
  std::vector<int> numbers;
  for_each_range(text, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last && i <= most; ++i) numbers.push_back(static_cast<int>(i));
  });
  return numbers;
}

std::string selected_word(std::string_view text) {
  const auto open = text.find('[');
  const auto close = text.find(']', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  return std::string(text.substr(open + 1, close - open - 1));
}

}  // namespace offload
