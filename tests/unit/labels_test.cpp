// SPDX-License-Identifier: Apache-2.0
// The first part of benchmark names: a workload, and the value of its parameter.
#include <gtest/gtest.h>

#include <string>

#include "offload/workload.hpp"

namespace offload {
namespace {

using Value = std::optional<std::size_t>;

TEST(Labels, GoThereAndBack) {
  for (const char* name : {"gemm", "decode", "a.b", "m1", ".m", "gemm.m7", "gemm/tokens:7"}) {
    for (const char* parameter : {"tokens", "chunk", "skew", "a.b"}) {
      for (const char* value : {"0", "1", "8192", "0.5", "18446744073709551615"}) {
        const std::string label = label_of(name, parameter, value);
        const WorkloadLabel parts = split_label(label);
        EXPECT_EQ(parts.name, name) << label;
        EXPECT_EQ(parts.parameter, parameter) << label;
        EXPECT_EQ(parts.value, value) << label;
      }
    }
  }
  EXPECT_EQ(label_of("gemm", "tokens", "512"), "gemm/tokens:512");
  EXPECT_EQ(label_of("expert_gather", "skew", "0.5"), "expert_gather/skew:0.5");
}

TEST(Labels, WhatSaysNoValueIsAName) {
  for (const char* label :
       {"gemv", "stream_read", "gemm.m512", "gemm/", "gemm/tokens", "gemm/tokens:", "gemm/:512",
        "gemm/:", "/tokens:512", "gemm:512", "gemm/512", "", "/", ":", "/:"}) {
    const WorkloadLabel parts = split_label(label);
    EXPECT_EQ(parts.name, label);
    EXPECT_TRUE(parts.parameter.empty()) << label;
    EXPECT_TRUE(parts.value.empty()) << label;
  }
}

TEST(Labels, TheLastSlashCounts) {
  const WorkloadLabel parts = split_label("gemm/tokens:1/chunk:2");
  EXPECT_EQ(parts.name, "gemm/tokens:1");
  EXPECT_EQ(parts.parameter, "chunk");
  EXPECT_EQ(parts.value, "2");
}

TEST(Parameters, AllowWhatTheirRangeSays) {
  const Parameter tokens{"tokens", 1, 256, 1};
  EXPECT_EQ(tokens.range(), "1 to 256 tokens");
  for (const std::size_t value : {1U, 3U, 256U}) EXPECT_TRUE(tokens.allows(value));
  for (const std::size_t value : {0U, 257U}) EXPECT_FALSE(tokens.allows(value));
  const Parameter chunks{"chunk", 512, 2097152, 4096, Parameter::Unit::bytes};
  EXPECT_EQ(chunks.range(), "chunks of 512B to 2MiB, powers of two");
  for (const std::size_t value : {512U, 1024U, 65536U, 2097152U}) EXPECT_TRUE(chunks.allows(value));
  for (const std::size_t value : {0U, 256U, 513U, 768U, 3145728U, 4194304U}) {
    EXPECT_FALSE(chunks.allows(value)) << value;
  }
  const Parameter skews{"skew", 0, 150, 50, Parameter::Unit::hundredths};
  EXPECT_EQ(skews.range(), "a skew of 0 to 1.5");
  for (const std::size_t value : {0U, 5U, 101U, 150U}) EXPECT_TRUE(skews.allows(value));
  EXPECT_FALSE(skews.allows(151));
}

TEST(Parameters, WriteTheirValueAsTheyReadIt) {
  const Parameter tokens{"tokens", 0, ~std::size_t{0}, 1};
  const Parameter skews{"skew", 0, 1000, 50, Parameter::Unit::hundredths};
  for (const std::size_t value : {0U, 1U, 5U, 10U, 50U, 75U, 99U, 100U, 101U, 110U, 1000U}) {
    EXPECT_EQ(tokens.parse(tokens.text(value)), Value{value});
    EXPECT_EQ(skews.parse(skews.text(value)), Value{value}) << skews.text(value);
  }
  EXPECT_EQ(skews.text(50), "0.5");
  EXPECT_EQ(skews.text(75), "0.75");
  EXPECT_EQ(skews.text(5), "0.05");
  EXPECT_EQ(skews.text(100), "1");
  EXPECT_EQ(skews.parse("0.50"), Value{50});
  EXPECT_EQ(tokens.parse("18446744073709551615"), Value{~std::size_t{0}});
}

TEST(Parameters, ReadNumbersOfTheirUnitOnly) {
  const Parameter tokens{"tokens", 0, ~std::size_t{0}, 1};
  for (const char* text :
       {"", "x", "1x", "-1", "+1", " 1", "1.5", "4KiB", "99999999999999999999"}) {
    EXPECT_EQ(tokens.parse(text), std::nullopt) << text;
  }
  const Parameter skews{"skew", 0, 1000, 50, Parameter::Unit::hundredths};
  for (const char* text : {"", ".", ".5", "1.", "1.234", "1.2x", "-0.5", "+1", "1e1", "nan", "0.-5",
                           "1.5.1", "184467440737095517"}) {
    EXPECT_EQ(skews.parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace offload
