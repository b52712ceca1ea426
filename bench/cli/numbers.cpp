// SPDX-License-Identifier: Apache-2.0
#include "bench/cli/numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "bench/core/text.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

template <typename T>
std::optional<T> parsed(std::string_view text) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

template <typename T>
[[noreturn]] void refuse(const std::string& what, T min, T max, const std::string& condition,
                         std::string_view text) {
  std::ostringstream message;
  message << "must be a " << what << " from " << min << " to " << max << condition << ", not "
          << in_quotes(text);
  throw UsageError(message.str());
}

}  // namespace

std::uint64_t parse_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  const auto number = parsed<std::uint64_t>(text);
  if (!number || *number < min || *number > max) refuse("whole number", min, max, "", text);
  return *number;
}

double parse_decimal(std::string_view text, double min, double max) {
  const auto number = parsed<double>(text);
  if (!number || !(*number >= min && *number <= max)) refuse("number", min, max, "", text);
  return *number;
}

std::uint64_t parse_hundredths(std::string_view text, std::uint64_t min, std::uint64_t max) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto whole = parsed<std::uint64_t>(text.substr(0, point));
  std::string decimals(text.substr(std::min(point + 1, text.size())));
  const bool written = point == text.size() || (!decimals.empty() && decimals.size() <= 2);
  decimals.resize(std::max(decimals.size(), std::size_t{2}), '0');
  const auto part = parsed<std::uint64_t>(decimals);
  if (written && whole && part && *whole <= max / 100) {
    const std::uint64_t number = *whole * 100 + *part;
    if (number >= min && number <= max) return number;
  }
  refuse("number", static_cast<double>(min) / 100, static_cast<double>(max) / 100,
         " with at most two decimals", text);
}

}  // namespace offload
