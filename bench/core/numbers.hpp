// SPDX-License-Identifier: Apache-2.0
// Numbers as users type them, strictly read.
#pragma once
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace offload {

/// All of `text`, in decimal; nullopt for a plus sign, white space, anything behind the number, or
/// what `Number` cannot hold. Floating point also reads "inf" and "nan".
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace offload
