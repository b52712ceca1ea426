// SPDX-License-Identifier: Apache-2.0
// Numbers as the report prints them.
#pragma once
#include <string>

namespace offload {

/// Three significant digits, never an exponent: 4460, 51.4, 6.70, 0.37.
std::string three_digits(double value);
/// `ratio` with a sign: 0.9304 -> "93 %".
std::string percent(double ratio);
/// One decimal, no sign: 0.0012 -> "0.1".
std::string percent_number(double ratio);
/// Three decimals: "0.985".
std::string ratio_text(double ratio);
/// "1.08x", "12x", "812x".
std::string times(double ratio);
/// "1 case", "3 cases".
std::string count(std::size_t number, const std::string& noun);

}  // namespace offload
