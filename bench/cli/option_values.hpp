// SPDX-License-Identifier: Apache-2.0
// The values of command-line options, strictly read. Everything throws UsageError with one line
// that names the option's value and what was expected.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/core/names.hpp"
#include "offload/error.hpp"
#include "offload/weights.hpp"

namespace offload {

/// A decimal whole number from `least` to `most`.
std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t least,
                           std::uint64_t most);

/// A decimal number from `least` to `most`, such as 0.5.
double parse_decimal(std::string_view option, std::string_view text, double least, double most);

/// A decimal number with at most two decimals, in hundredths from `least` to `most`: 150 for "1.5".
std::uint64_t parse_hundredths(std::string_view option, std::string_view text, std::uint64_t least,
                               std::uint64_t most);

/// "a,b" without empty items.
std::vector<std::string> split_list(std::string_view option, std::string_view text);

/// NAME:ROWSxCOLS:DTYPE
WeightTensor parse_tensor(std::string_view text);

/// `text` when it is one of `known`, ignoring case, in its own spelling.
std::string parse_name(std::string_view kind, std::string_view text,
                       std::span<const std::string_view> known);

template <typename T>
using Choices = std::span<const std::pair<std::string_view, T>>;

template <typename T>
T parse_choice(std::string_view kind, std::string_view text, Choices<T> choices) {
  std::vector<std::string_view> known;
  known.reserve(choices.size());
  for (const auto& [name, value] : choices) known.push_back(name);
  const std::string name = parse_name(kind, text, known);
  for (const auto& [candidate, value] : choices) {
    if (candidate == name) return value;
  }
  throw UsageError(unknown_name(kind, text, known));
}

/// The names of the choices, as in "table|md|csv|json".
template <typename T>
std::string choice_names(Choices<T> choices) {
  std::string text;
  for (const auto& [name, value] : choices) {
    if (!text.empty()) text += '|';
    text += name;
  }
  return text;
}

/// The name of `wanted`, which must be one of the choices.
template <typename T>
std::string choice_name(T wanted, Choices<T> choices) {
  for (const auto& [name, value] : choices) {
    if (value == wanted) return std::string(name);
  }
  return "";
}

}  // namespace offload
