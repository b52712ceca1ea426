// SPDX-License-Identifier: Apache-2.0
// Numbers and lists in words, written one way everywhere. The rules, with examples that the tests
// of C++ and Python share (tests/data/numbers.json):
//
//   rates, times, tokens  three significant digits, never an exponent: 4460, 123, 12.3, 9.65,
//                         0.911, 0.0374; rates in decimal units, times in ns, us, ms and s
//   sizes of memory       binary units, two or three digits: 112 MiB, 1.5 GiB
//   percentages           whole; one decimal in a column of its own
//   factors               two decimals below 10, none above: 1.08x, 12x, 812x
//   ratios to a limit     three decimals: 0.985; four where only they tell it from its goal
//   what runs of one build repeat to no better than 5 %: two digits, and the least and the most
//   seen
//                         where these differ: 27 (19..28), 4500, 27 ms
//
// What is not finite is "n/a".
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

/// 4460, 51.4, 6.70, 0.374; 0 is "0".
std::string three_digits(double value);
/// 4500, 51, 6.7, 0.37; 0 is "0".
std::string two_digits(double value);
/// `value` between the least and the most that was seen: "27 (19..28)", or "27" where two digits do
/// not tell the three apart.
std::string rough(double value, double least, double most);
/// "27 ms", "27 GB/s".
std::string rough_seconds(double seconds);
std::string rough_rate(double bytes_per_second);
/// "51.4 GB/s", "4.48 TB/s".
std::string format_rate(double bytes_per_second);
/// "812 ns", "8.46 ms", "1.20 s".
std::string format_seconds(double seconds);
/// Bytes that moved, in decimal units as rates are: "118 MB".
std::string format_traffic(double bytes);
std::string format_traffic(std::size_t bytes);
/// "112 MiB", "1.5 GiB".
std::string format_size_rounded(std::size_t bytes);

/// `ratio` with a sign: 0.9304 -> "93 %".
std::string percent(double ratio);
/// One decimal, no sign: 0.0012 -> "0.1".
std::string percent_number(double ratio);
/// Three decimals: "0.985".
std::string ratio_text(double ratio);
/// A fourth decimal where three would make it look like `limit`, which it is not: "1.0997".
std::string ratio_text(double ratio, double limit);
/// "1.08x", "12x", "812x".
std::string times(double ratio);
/// "1 case", "3 cases".
std::string count(std::size_t number, const std::string& noun);

/// `text` in single quotes, fit for one line of an error message whoever wrote it: characters that
/// are not printable ASCII become '?', and what exceeds 80 characters is cut off. (Not quoted():
/// std::quoted would win over it for every std::string.)
std::string in_quotes(std::string_view text);
/// `text` without what could write elsewhere on a terminal, or show as something else: what is not
/// UTF-8, control characters but for those to `keep`, and those that have no width or turn the
/// direction of writing become a '?' each. Names in models and files are whatever their makers
/// chose.
std::string printable(std::string_view text, std::string_view keep = "");
/// "a", "a and b", "a, b and c"; beyond `max_names` (0: no bound) "a, b and 3 others".
std::string enumerate(const std::vector<std::string>& names, std::size_t max_names = 0);

/// Characters on screen: bytes of UTF-8 that do not continue one.
std::size_t display_width(std::string_view text);
/// Break at spaces so that no line is longer than `width`, unless one word is. Lines after the
/// first begin with `indent` spaces; the first begins at `column`. No newline at the end.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent = 0,
                 std::size_t column = 0);

}  // namespace offload
