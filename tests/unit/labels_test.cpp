// SPDX-License-Identifier: Apache-2.0
// The first part of benchmark names: a workload, and which of its choices it makes.
#include <gtest/gtest.h>

#include <string>

#include "offload/workload.hpp"

namespace offload {
namespace {

using Value = std::optional<std::size_t>;

TEST(Labels, GoThereAndBack) {
  for (const char* name : {"gemm", "decode", "a.b", "m1", ".m", "gemm.m7", "row_gather.c8"}) {
    for (const char letter : {'m', 'c', 'z'}) {
      for (const std::size_t value :
           {std::size_t{0}, std::size_t{1}, std::size_t{8192}, ~std::size_t{0}}) {
        const std::string label = label_of(name, letter, value);
        const WorkloadLabel parts = split_label(label);
        EXPECT_EQ(parts.name, name) << label;
        EXPECT_EQ(parts.letter, letter) << label;
        EXPECT_EQ(parts.value, Value{value}) << label;
      }
    }
  }
  EXPECT_EQ(label_of("gemm", 'm', 512), "gemm.m512");
  EXPECT_EQ(label_of("row_gather", 'c', 4096), "row_gather.c4096");
  EXPECT_EQ(label_of("expert_gather", 'z', 100), "expert_gather.z100");
}

TEST(Labels, WhatSaysNoValueIsAName) {
  for (const char* label :
       {"gemv", "stream_read", "gemm.m", "gemm.mx", "gemm.m1x", "gemm.m-1", "gemm.m+1", "gemm.m 1",
        "gemm.m1.5", "gemm.512", "gemmm512", "", ".", "gemm.", "gemm.x5", "gemm.M5", "gather.c4KiB",
        "gather.z", "gemm.m99999999999999999999"}) {
    const WorkloadLabel parts = split_label(label);
    EXPECT_EQ(parts.name, label);
    EXPECT_EQ(parts.value, std::nullopt) << label;
  }
}

TEST(Labels, TheLastMarkCounts) {
  const WorkloadLabel parts = split_label("gemm.m1.c2");
  EXPECT_EQ(parts.name, "gemm.m1");
  EXPECT_EQ(parts.letter, 'c');
  EXPECT_EQ(parts.value, Value{2});
}

TEST(Choices, AllowWhatTheirRangeSays) {
  const Choice chunks{'c', 512, 2097152, 4096};
  EXPECT_EQ(chunks.range(), "chunks of 512B to 2MiB, powers of two");
  for (const std::size_t value : {512U, 1024U, 65536U, 2097152U}) EXPECT_TRUE(chunks.allows(value));
  for (const std::size_t value : {0U, 256U, 513U, 768U, 3145728U, 4194304U}) {
    EXPECT_FALSE(chunks.allows(value)) << value;
  }
  const Choice skews{'z', 0, 150, 50};
  EXPECT_EQ(skews.range(), "a skew of 0 to 1.5");
  for (const std::size_t value : {0U, 5U, 101U, 150U}) EXPECT_TRUE(skews.allows(value));
  EXPECT_FALSE(skews.allows(151));
}

}  // namespace
}  // namespace offload
