// SPDX-License-Identifier: Apache-2.0
#include "offload/units.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

using testing::message_of;

std::string refusal(const std::string& text) {
  return message_of<UsageError>([&] { static_cast<void>(parse_sizes(text)); });
}

TEST(ParseSize, ReadsEverySpellingOfAUnit) {
  for (const char* text : {"65536", "65536B", "64K", "64k", "64Ki", "64KiB", "64kib"}) {
    EXPECT_EQ(parse_size(text), 65536U) << text;
  }
  for (const char* text : {"3M", "3Mi", "3MiB"}) EXPECT_EQ(parse_size(text), 3U << 20) << text;
  for (const char* text : {"2G", "2Gi", "2GiB"}) EXPECT_EQ(parse_size(text), 2ULL << 30) << text;
  EXPECT_EQ(parse_size("1"), 1U);
  EXPECT_EQ(parse_size("18446744073709551615"), std::numeric_limits<std::size_t>::max());
}

TEST(ParseSize, RefusesDecimalUnitsAndSaysWhatToWrite) {
  EXPECT_EQ(refusal("64MB"), "size '64MB' is ambiguous: write 64MiB (sizes are powers of 1024)");
  EXPECT_NE(refusal("1kb").find("write 1kiB"), std::string::npos);
  EXPECT_NE(refusal("4Gb").find("ambiguous"), std::string::npos);
}

TEST(ParseSize, RefusesWhatIsNotASize) {
  EXPECT_EQ(refusal("0"), "size '0' must be at least 1 byte");
  EXPECT_EQ(refusal("0MiB"), "size '0MiB' must be at least 1 byte");
  for (const char* text : {"", "-1", "+1", "1.5GiB", "MiB", "64 MiB", "64MiBs", "64iB", "0x10",
                           "1e6", "64T", "64Bi", " 64", "64BB"}) {
    EXPECT_NE(refusal(text).find("is not a size"), std::string::npos) << text;
  }
}

TEST(ParseSize, RefusesOverflow) {
  EXPECT_EQ(parse_size("17179869183GiB"), 17179869183ULL << 30);
  for (const char* text : {"17179869184GiB", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(refusal(text), "size '" + std::string(text) + "' is too large");
  }
}

TEST(ParseSizes, ReadsListsAndRanges) {
  using Sizes = std::vector<std::size_t>;
  EXPECT_EQ(parse_sizes("1MiB,3MiB"), (Sizes{1U << 20, 3U << 20}));
  EXPECT_EQ(parse_sizes("64KiB..1MiB*4"), (Sizes{1U << 16, 1U << 18, 1U << 20}));
  EXPECT_EQ(parse_sizes("1..10*3,5"), (Sizes{1, 3, 9, 5}));
  EXPECT_EQ(parse_sizes("8..8*2"), (Sizes{8}));
  EXPECT_EQ(parse_sizes("64KiB..4GiB*4").size(), 9U);
}

TEST(ParseSizes, ARangeUpToTheLargestSizeEnds) {
  const auto sizes = parse_sizes("1..18446744073709551615*2");
  EXPECT_EQ(sizes.size(), 64U);
  EXPECT_EQ(sizes.back(), std::size_t{1} << 63);
}

TEST(ParseSizes, RefusesBrokenRangesAndEmptyItems) {
  EXPECT_EQ(refusal("1MiB..1GiB"), "range '1MiB..1GiB' needs a factor: write *2 behind it");
  for (const char* text : {"1..8*1", "1..8*0", "1..8*", "1..8*2x", "1..8*-2", "1..8*1.5"}) {
    EXPECT_NE(refusal(text).find("whole factor of 2 or more"), std::string::npos) << text;
  }
  EXPECT_EQ(refusal("4GiB..1GiB"),
            "range '4GiB..1GiB' runs from large to small: write 1GiB..4GiB*2");
  EXPECT_EQ(refusal("8..1*2"), "range '8..1*2' runs from large to small: write 1..8*2");
  for (const char* text : {"1,,2", "1,", ",1", "..8*2", "1..*2", "0..8*2"}) {
    EXPECT_NE(refusal(text), "") << text;
  }
}

TEST(FormatSize, IsExactAndReadsBack) {
  EXPECT_EQ(format_size(67108864), "64MiB");
  EXPECT_EQ(format_size(1000), "1000B");
  EXPECT_EQ(format_size(1536), "1536B");
  EXPECT_EQ(format_size(1024), "1KiB");
  EXPECT_EQ(format_size(std::size_t{5} << 40), "5120GiB");
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{1023}, std::size_t{117440512}, (std::size_t{1} << 40) + 1024}) {
    EXPECT_EQ(parse_size(format_size(bytes)), bytes);
  }
}

std::string rate_refusal(std::string_view text) {
  return testing::message_of<UsageError>([&] { parse_rate(text); });
}

TEST(ParseRate, ReadsDecimalUnitsAsRatesArePrinted) {
  EXPECT_DOUBLE_EQ(parse_rate("25GB/s"), 25e9);
  EXPECT_DOUBLE_EQ(parse_rate("51.4 GB/s"), 51.4e9);
  EXPECT_DOUBLE_EQ(parse_rate("1.8TB/s"), 1.8e12);
  EXPECT_DOUBLE_EQ(parse_rate("25gB/s"), 25e9);
  EXPECT_DOUBLE_EQ(parse_rate("900MB/s"), 9e8);
  EXPECT_DOUBLE_EQ(parse_rate("64kB/s"), 64e3);
  EXPECT_DOUBLE_EQ(parse_rate("25e9"), 25e9);
  EXPECT_DOUBLE_EQ(parse_rate("25e9B/s"), 25e9);
  EXPECT_DOUBLE_EQ(parse_rate("1"), 1);
}

TEST(ParseRate, RefusesBitsBinaryUnitsAndWhatIsNoRate) {
  EXPECT_EQ(rate_refusal("fast"),
            "rate 'fast' is not a rate: write a number and GB/s, such as 25GB/s");
  for (const char* text :
       {"", "GB/s", "25Gb/s", "25gb/s", "25GiB/s", "25GB", "25G", "25  GB/s", "25PB/s", "+25GB/s",
        "25GB/s ", " 25GB/s", "25MGB/s", "inf", "nan", "0x10", "1.2.3GB/s", "2-3"}) {
    EXPECT_NE(rate_refusal(text).find("is not a rate"), std::string::npos) << text;
  }
  for (const char* text : {"0", "0GB/s", "-1GB/s", "1e308TB/s"}) {
    EXPECT_NE(rate_refusal(text).find("must be more than 0"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace offload
