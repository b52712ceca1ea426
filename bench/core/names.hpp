// SPDX-License-Identifier: Apache-2.0
// Names that users type: how they may look, and what to say when one is unknown.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offload {

/// An entry of the one table of an enum's names.
template <typename T>
using Named = std::pair<std::string_view, T>;

/// The name of `wanted`; "" for what the table lacks.
template <typename T, typename Table>
constexpr std::string_view name_of(T wanted, const Table& table) {
  for (const auto& [name, value] : table) {
    if (value == wanted) return name;
  }
  return "";
}

/// All names of a table, in its order.
template <typename Table>
std::vector<std::string_view> names_in(const Table& table) {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const auto& [name, value] : table) names.push_back(name);
  return names;
}

/// Letters, digits and . _ - + only: safe in a benchmark name, a filter, a CSV cell and a file
/// name.
bool is_plain_name(std::string_view name);

std::string to_lower(std::string_view text);

/// The candidate that `given` most likely meant to be, ignoring case; "" when none is near.
std::string_view closest(std::string_view given, std::span<const std::string_view> candidates);

/// "unknown <kind> 'x': did you mean 'y'?", or the candidates themselves when none is near.
std::string unknown_name(std::string_view kind, std::string_view given,
                         std::span<const std::string_view> candidates);

/// `given` as it is spelled in `known`, ignoring case. Throws UsageError for a name that is not one
/// of them.
std::string known_name(std::string_view kind, std::string_view given,
                       std::span<const std::string_view> known);

/// Throws UsageError: "<kind> '<given>' <why>".
[[noreturn]] void refuse(std::string_view kind, std::string_view given, std::string_view why);

/// "a, b, c"
std::string joined(std::span<const std::string_view> items, std::string_view separator);

}  // namespace offload
