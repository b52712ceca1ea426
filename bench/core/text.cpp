// SPDX-License-Identifier: Apache-2.0
#include "bench/core/text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace offload {
namespace {

std::string decimal(double value, int decimals) {
  if (!std::isfinite(value)) return "n/a";
  std::array<char, 400> text{};  // %f of the largest double has 309 digits before the point
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

/// Of `value` rounded to so many digits: of three, 99.96 has 2, as 100 has.
int decimal_exponent(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*e", digits - 1, value);
  return std::atoi(std::strchr(text.data(), 'e') + 1);
}

struct Scale {
  double factor;
  const char* unit;
};

/// In the unit that keeps `value` below 1000 after rounding; `scales` goes from the smallest unit
/// to the largest.
std::string scaled(double value, std::span<const Scale> scales,
                   std::string (*digits)(double) = three_digits) {
  if (!std::isfinite(value)) return "n/a";
  std::size_t i = 0;
  while (i + 1 < scales.size() && std::abs(value) / scales[i].factor >= 999.5) ++i;
  return digits(value / scales[i].factor) + ' ' + scales[i].unit;
}

constexpr std::array<Scale, 4> clock_scales{{{1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}, {1, "s"}}};
constexpr std::array<Scale, 5> rate_scales{
    {{1, "B/s"}, {1e3, "kB/s"}, {1e6, "MB/s"}, {1e9, "GB/s"}, {1e12, "TB/s"}}};

constexpr char32_t no_character = 0xffffffff;

struct Character {
  char32_t code = no_character;
  std::size_t bytes = 1;
};

/// The first of `text`, which is not empty; a byte that begins no UTF-8 is none.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto ones = static_cast<std::size_t>(std::countl_one(byte(0)));
  if (ones == 0) return {byte(0), 1};
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};  // none in more bytes
  if (ones == 1 || ones >= least.size() || ones > text.size()) return {};
  char32_t code = byte(0) & (0x7fU >> ones);
  for (std::size_t i = 1; i < ones; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    code = code << 6U | (byte(i) & 0x3fU);
  }
  return code < least[ones] || code > 0x10ffff ? Character{} : Character{code, ones};
}

/// Whether it shows as itself: no control character, none that turns the direction of writing, has
/// no width or ends a line, and no half of a UTF-16 pair.
bool is_shown(char32_t code) {
  struct Span {
    char32_t first, last;
  };
  constexpr auto hidden = std::to_array<Span>({
      {0x00, 0x1f},
      {0x7f, 0x9f},
      {0xad, 0xad},
      {0x61c, 0x61c},
      {0x180e, 0x180e},
      {0x200b, 0x200f},
      {0x2028, 0x202e},
      {0x2060, 0x206f},
      {0xd800, 0xdfff},
      {0xfeff, 0xfeff},
      {0xfff9, 0xfffb},
      {0xe0000, 0xe007f},
      {0x110000, no_character},
  });
  return std::ranges::none_of(
      hidden, [code](const Span& span) { return span.first <= code && code <= span.last; });
}

}  // namespace

std::string three_digits(double value) {
  if (value == 0) return "0";
  if (!std::isfinite(value)) return "n/a";
  return decimal(value, std::max(0, 2 - decimal_exponent(value, 3)));
}

std::string two_digits(double value) {
  if (value == 0) return "0";
  if (!std::isfinite(value)) return "n/a";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1e", value);
  return decimal(std::atof(text.data()), std::max(0, 1 - decimal_exponent(value, 2)));
}

std::string rough(double value, double least, double most) {
  const std::string low = two_digits(least);
  const std::string high = two_digits(most);
  return low == high ? two_digits(value) : two_digits(value) + " (" + low + ".." + high + ')';
}

std::string rough_seconds(double seconds) { return scaled(seconds, clock_scales, two_digits); }

std::string rough_rate(double bytes_per_second) {
  return scaled(bytes_per_second, rate_scales, two_digits);
}

std::string format_rate(double bytes_per_second) { return scaled(bytes_per_second, rate_scales); }

std::string format_seconds(double seconds) { return scaled(seconds, clock_scales); }

std::string format_traffic(double bytes) {
  if (bytes < 999.5) return decimal(bytes, 0) + (std::isfinite(bytes) ? " B" : "");
  constexpr std::array<Scale, 3> scales{{{1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}}};
  return scaled(bytes, scales);
}

std::string format_traffic(std::size_t bytes) { return format_traffic(static_cast<double>(bytes)); }

std::string format_size_rounded(std::size_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.5 and more would print as 1024.
  while (unit + 1 < units.size() && value >= 1023.5) {
    value /= 1024;
    ++unit;
  }
  const double tenths = std::round(value * 10) / 10;
  const bool whole = unit == 0 || value >= 9.95 || tenths == std::floor(tenths);
  return decimal(value, whole ? 0 : 1) + ' ' + units[unit];
}

std::string percent(double ratio) { return decimal(100 * ratio, 0) + " %"; }

std::string percent_number(double ratio) { return decimal(100 * ratio, 1); }

std::string ratio_text(double ratio) { return decimal(ratio, 3); }

std::string ratio_text(double ratio, double limit) {
  const bool alike = ratio != limit && ratio_text(ratio) == ratio_text(limit);
  return decimal(ratio, alike ? 4 : 3);
}

std::string times(double ratio) { return decimal(ratio, ratio >= 9.995 ? 0 : 2) + 'x'; }

std::string count(std::size_t number, const std::string& noun) {
  return std::to_string(number) + ' ' + noun + (number == 1 ? "" : "s");
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t max_length = 80;
  std::string result = "'";
  for (const char letter : text.substr(0, max_length)) {
    result += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return result + (text.size() > max_length ? "...'" : "'");
}

std::string printable(std::string_view text, std::string_view keep) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto [code, bytes] = first_character(text);
    const bool kept = bytes == 1 && keep.find(text.front()) != std::string_view::npos;
    result += kept || is_shown(code) ? text.substr(0, bytes) : "?";
    text.remove_prefix(bytes);
  }
  return result;
}

std::string enumerate(const std::vector<std::string>& names, std::size_t max_names) {
  if (names.size() > max_names && max_names > 0) {
    std::vector<std::string> shown(names.begin(),
                                   names.begin() + static_cast<std::ptrdiff_t>(max_names - 1));
    shown.push_back(std::to_string(names.size() - shown.size()) + " others");
    return enumerate(shown);
  }
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += printable(names[i]);
  }
  return text;
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent, std::size_t column) {
  std::string out;
  while (!text.empty()) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    // Spaces at the very start are the caller's own indentation.
    const std::size_t gap = out.empty() ? begin : 1;
    const std::string_view word = text.substr(begin, end - begin);
    if (!out.empty() && column + gap + display_width(word) > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else {
      out.append(gap, ' ');
      column += gap;
    }
    out += word;
    column += display_width(word);
    text.remove_prefix(end);
  }
  return out;
}

}  // namespace offload
