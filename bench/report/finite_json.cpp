// SPDX-License-Identifier: Apache-2.0
#include "bench/report/finite_json.hpp"

#include <algorithm>
#include <array>

namespace offload {
namespace {

// Longest first: "-inf" is also the beginning of "-infinity".
constexpr std::array<std::string_view, 12> spellings{
    "-Infinity", "-infinity", "Infinity", "infinity", "-NaN", "-nan",
    "-Inf",      "-inf",      "NaN",      "nan",      "Inf",  "inf"};

/// Length of the string literal `text` begins with, both quotes included.
std::size_t string_length(std::string_view text) {
  std::size_t i = 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

}  // namespace

std::string without_non_finite(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = 1;
    if (text.front() == '"') {
      length = string_length(text);
      out += text.substr(0, length);
    } else {
      const auto* const spelling = std::ranges::find_if(
          spellings, [&](std::string_view word) { return text.starts_with(word); });
      if (spelling == spellings.end()) {
        out += text.front();
      } else {
        out += "null";
        length = spelling->size();
      }
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace offload
