// SPDX-License-Identifier: Apache-2.0
#include "bench/report/numbers.hpp"

#include <array>
#include <cstdio>

namespace offload {
namespace {

std::string decimal(double value, int decimals) {
  std::array<char, 400> text{};  // %f of the largest double has 309 digits before the point
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

}  // namespace

std::string three_digits(double value) {
  if (value >= 99.95) return decimal(value, 0);
  return decimal(value, value >= 9.995 ? 1 : 2);
}

std::string percent(double ratio) { return decimal(100 * ratio, 0) + " %"; }

std::string percent_number(double ratio) { return decimal(100 * ratio, 1); }

std::string ratio_text(double ratio) { return decimal(ratio, 3); }

std::string times(double ratio) { return decimal(ratio, ratio >= 9.995 ? 0 : 2) + 'x'; }

std::string count(std::size_t number, const std::string& noun) {
  return std::to_string(number) + ' ' + noun + (number == 1 ? "" : "s");
}

}  // namespace offload
