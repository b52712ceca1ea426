// SPDX-License-Identifier: Apache-2.0
#include "bench/core/text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace offload {
namespace {

/// As the table calls them.
std::string written(const nlohmann::json& example) {
  const auto kind = example.at("kind").get<std::string>();
  const auto value = example.at("value").get<double>();
  if (kind == "rough") {
    return rough(value, example.at("least").get<double>(), example.at("most").get<double>());
  }
  if (kind == "two_digits") return two_digits(value);
  if (kind == "rough_seconds") return rough_seconds(value);
  if (kind == "number") return three_digits(value);
  if (kind == "seconds") return format_seconds(value);
  if (kind == "rate") return format_rate(value);
  if (kind == "traffic") return format_traffic(value);
  if (kind == "size") return format_size_rounded(static_cast<std::size_t>(value));
  if (kind == "percent") return percent(value);
  if (kind == "percent_number") return percent_number(value);
  if (kind == "times") return times(value);
  return kind == "ratio" ? ratio_text(value) : "unknown kind";
}

TEST(Numbers, TellARatioFromTheLimitItMisses) {
  EXPECT_EQ(ratio_text(1.0997, 1.1), "1.0997");
  EXPECT_EQ(ratio_text(1.1, 1.1), "1.100");
  EXPECT_EQ(ratio_text(1.0994, 1.1), "1.099");
}

TEST(Numbers, AreWrittenAsTheSharedTableSays) {
  std::ifstream file(OFFLOAD_TESTS_DIRECTORY "/data/numbers.json");
  const nlohmann::json examples = nlohmann::json::parse(file);
  EXPECT_GT(examples.size(), 50U);
  for (const nlohmann::json& example : examples) {
    EXPECT_EQ(written(example), example.at("text").get<std::string>()) << example;
  }
}

TEST(Numbers, OfRoughRatesAreTwoDigits) {
  EXPECT_EQ(rough_rate(51.4e9), "51 GB/s");
  EXPECT_EQ(rough_rate(115.3e9), "120 GB/s");
  EXPECT_EQ(rough_rate(999.6e9), "1.0 TB/s");
}

TEST(Numbers, ThatAreNotFiniteAreNotAvailable) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& text :
       {three_digits(infinity), two_digits(infinity), format_rate(infinity), rough_rate(infinity),
        format_seconds(-infinity), format_traffic(std::nan("")), ratio_text(std::nan(""))}) {
    EXPECT_EQ(text, "n/a");
  }
}

TEST(Count, AgreesWithItsNoun) {
  EXPECT_EQ(count(1, "case"), "1 case");
  EXPECT_EQ(count(0, "case"), "0 cases");
}

TEST(Text, WhatIsQuotedIsOneShortPrintableLine) {
  EXPECT_EQ(in_quotes("model_type"), "'model_type'");
  EXPECT_EQ(in_quotes(""), "''");
  EXPECT_EQ(in_quotes("a\n\x1b[31m\xff"), "'a??[31m?'");
  EXPECT_EQ(in_quotes(std::string(80, 'n')), "'" + std::string(80, 'n') + "'");
  EXPECT_EQ(in_quotes(std::string(1'000'000, 'n')), "'" + std::string(80, 'n') + "...'");
}

TEST(Text, WhatCouldWriteElsewhereOnATerminalIsTakenOut) {
  EXPECT_EQ(printable("up_proj, \xc3\xa9t\xc3\xa9"), "up_proj, \xc3\xa9t\xc3\xa9");
  EXPECT_EQ(printable(std::string_view("a\0b\x1b[2J\r\n\x7f", 10)), "a?b?[2J???");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");  // the same escape in one character
  EXPECT_EQ(printable("a\nb\x1b", "\n"), "a\nb?");
}

TEST(Text, WhatShowsAsSomethingElseIsTakenOut) {
  // Right-to-left override and isolate, zero width, line separator, byte order mark, a tag.
  EXPECT_EQ(printable("a\u202Eb\u2067c\u200Bd\u2028e\uFEFFf\U000E0041g"), "a?b?c?d?e?f?g");
  EXPECT_EQ(printable("\u65E5\u672C, \u05E9, \U0001F600"), "\u65E5\u672C, \u05E9, \U0001F600");
}

TEST(Text, WhatIsNoUtf8IsTakenOutByteByByte) {
  EXPECT_EQ(printable("a\xff\x80z"), "a??z");
  EXPECT_EQ(printable("\xe6\x97"), "??");                 // cut off
  EXPECT_EQ(printable("\xc0\xaf"), "??");                 // '/' in two bytes
  EXPECT_EQ(printable("\xed\xa0\x80"), "?");              // half of a pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");       // beyond the last character
  EXPECT_EQ(printable("\xf8\x88\x80\x80\x80"), "?????");  // five bytes
}

TEST(Wrap, BreaksAtSpacesAndIndentsWhatFollows) {
  EXPECT_EQ(wrap("one two three", 8, 2), "one two\n  three");
  EXPECT_EQ(wrap("  - one two", 7, 4), "  - one\n    two");
  EXPECT_EQ(wrap("unbreakable word", 4), "unbreakable\nword");
  EXPECT_EQ(wrap("", 10), "");
}

TEST(Enumerate, ShortensLongLists) {
  EXPECT_EQ(enumerate({"a"}, 4), "a");
  EXPECT_EQ(enumerate({"a", "b"}, 4), "a and b");
  EXPECT_EQ(enumerate({"a", "b", "c", "d"}, 4), "a, b, c and d");
  EXPECT_EQ(enumerate({"a", "b", "c", "d", "e"}, 4), "a, b, c and 2 others");
}

}  // namespace
}  // namespace offload
