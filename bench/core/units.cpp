// SPDX-License-Identifier: Apache-2.0
#include "offload/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "bench/core/names.hpp"
#include "bench/core/numbers.hpp"
#include "bench/core/text.hpp"

namespace offload {
namespace {

constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The factor a unit stands for; nullopt when it is not a unit, 0 when it is a bare KB, MB or GB.
std::optional<std::size_t> unit_factor(std::string_view unit) {
  if (unit.empty()) return 1;
  const char letter = lower(unit.front());
  if (letter == 'b') return unit.size() == 1 ? std::optional<std::size_t>(1) : std::nullopt;
  const std::string_view letters = "kmg";
  const std::size_t power = letters.find(letter);
  if (power == std::string_view::npos) return std::nullopt;
  const std::size_t factor = std::size_t{1} << (10 * (power + 1));
  const std::string_view rest = unit.substr(1);
  if (rest.empty()) return factor;
  if (lower(rest.front()) == 'b' && rest.size() == 1) return 0;
  if (lower(rest.front()) != 'i') return std::nullopt;
  if (rest.size() == 1 || (rest.size() == 2 && lower(rest[1]) == 'b')) return factor;
  return std::nullopt;
}

/// A sweep such as 64KiB..4GiB*4: the sizes from first to last, each `factor` times the one before.
std::vector<std::size_t> parse_range(std::string_view text, std::size_t dots) {
  const std::size_t star = text.find('*', dots);
  const std::string_view first_text = text.substr(0, dots);
  const std::string_view last_text = text.substr(dots + 2, star - dots - 2);  // npos: to the end
  const std::size_t first = parse_size(first_text);
  const std::size_t last = parse_size(last_text);
  if (first > last) {
    refuse("range", text,
           "runs from large to small: write " + std::string(last_text) + ".." +
               std::string(first_text) + "*2");
  }
  if (star == std::string_view::npos) refuse("range", text, "needs a factor: write *2 behind it");
  const std::string_view factor_text = text.substr(star + 1);
  const auto factor = parse_number<std::size_t>(factor_text);
  if (!factor || *factor < 2) {
    refuse("range", text, "needs a whole factor of 2 or more after the '*'");
  }

  std::vector<std::size_t> sizes{first};
  while (sizes.back() <= last / *factor) sizes.push_back(sizes.back() * *factor);
  return sizes;
}

/// Bytes per second; nullopt for what is no unit of a rate. Small letters are for no bits.
std::optional<double> rate_factor(std::string_view unit) {
  if (unit.empty()) return 1;
  constexpr std::string_view bytes_per_second = "B/s";
  if (!unit.ends_with(bytes_per_second)) return std::nullopt;
  unit.remove_suffix(bytes_per_second.size());
  if (unit.empty()) return 1;
  const std::size_t power = std::string_view("kmgt").find(lower(unit.front()));
  if (unit.size() > 1 || power == std::string_view::npos) return std::nullopt;
  return std::pow(1000.0, static_cast<double>(power + 1));
}

}  // namespace

std::size_t parse_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::size_t> factor = unit_factor(text.substr(digits));
  if (digits > 0 && !factor) {
    refuse("size", text,
           "is not a size: " + in_quotes(text.substr(digits)) +
               " is none of the units B, KiB, MiB and GiB, as in 64MiB");
  }
  if (digits == 0) {
    refuse("size", text,
           "is not a size: write a whole number and B, KiB, MiB or GiB, such as 64MiB");
  }
  if (*factor == 0) {
    const std::string number(text.substr(0, digits));
    refuse("size", text,
           "is ambiguous: write " + number + text[digits] + "iB (sizes are powers of 1024)");
  }
  const auto number = parse_number<std::size_t>(text.substr(0, digits));
  if (!number || *number > largest / *factor) refuse("size", text, "is too large");
  if (*number == 0) refuse("size", text, "must be at least 1 byte");
  return *number * *factor;
}

std::vector<std::size_t> parse_sizes(std::string_view text) {
  std::vector<std::size_t> sizes;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    const std::size_t dots = item.find("..");
    if (dots == std::string_view::npos) {
      sizes.push_back(parse_size(item));
    } else {
      const std::vector<std::size_t> range = parse_range(item, dots);
      sizes.insert(sizes.end(), range.begin(), range.end());
    }
    begin = end + 1;
  }
  return sizes;
}

std::string format_size(std::size_t bytes) {
  constexpr std::array<const char*, 4> units{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  while (unit + 1 < units.size() && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + units[unit];
}

double parse_rate(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789.eE+-"), text.size());
  const std::string_view rest = text.substr(digits);
  const auto value = parse_number<double>(text.substr(0, digits));
  const auto factor = rate_factor(rest.starts_with(' ') ? rest.substr(1) : rest);
  if (!value || !factor) {
    refuse("rate", text, "is not a rate: write a number and GB/s, such as 25GB/s");
  }
  const double rate = *value * *factor;
  if (!std::isfinite(rate) || rate <= 0) refuse("rate", text, "must be more than 0 and finite");
  return rate;
}

}  // namespace offload
