// SPDX-License-Identifier: Apache-2.0
// Numbers on the command line, strictly read: no signs, no white space, nothing after them. What is
// refused throws UsageError with what the option must be.
#pragma once
#include <cstdint>
#include <string_view>

namespace offload {

/// A decimal whole number from `min` to `max`.
std::uint64_t parse_number(std::string_view text, std::uint64_t min, std::uint64_t max);

/// A decimal number from `min` to `max`, such as 0.5.
double parse_decimal(std::string_view text, double min, double max);

/// A decimal number with at most two decimals, in hundredths from `min` to `max`: 150 for "1.5".
std::uint64_t parse_hundredths(std::string_view text, std::uint64_t min, std::uint64_t max);

}  // namespace offload
