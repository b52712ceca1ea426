// SPDX-License-Identifier: Apache-2.0
// The first part of benchmark names: a workload, and how many tokens it multiplies.
#include <gtest/gtest.h>

#include <string>

#include "offload/workload.hpp"

namespace offload {
namespace {

using Tokens = std::optional<std::size_t>;

TEST(Labels, GoThereAndBack) {
  for (const char* name : {"gemm", "decode", "a.b", "m1", ".m", "gemm.m7"}) {
    for (const std::size_t tokens :
         {std::size_t{0}, std::size_t{1}, std::size_t{8192}, ~std::size_t{0}}) {
      const std::string label = label_of(name, tokens);
      const WorkloadLabel parts = split_label(label);
      EXPECT_EQ(parts.name, name) << label;
      EXPECT_EQ(parts.tokens, Tokens{tokens}) << label;
    }
  }
  EXPECT_EQ(label_of("gemm", 512), "gemm.m512");
}

TEST(Labels, WhatSaysNoTokensIsAName) {
  for (const char* label :
       {"gemv", "stream_read", "gemm.m", "gemm.mx", "gemm.m1x", "gemm.m-1", "gemm.m+1", "gemm.m 1",
        "gemm.m1.5", "gemm.512", "gemmm512", "", "gemm.m99999999999999999999"}) {
    const WorkloadLabel parts = split_label(label);
    EXPECT_EQ(parts.name, label);
    EXPECT_EQ(parts.tokens, std::nullopt) << label;
  }
}

TEST(Labels, TheLastMarkCounts) {
  const WorkloadLabel parts = split_label("gemm.m1.m2");
  EXPECT_EQ(parts.name, "gemm.m1");
  EXPECT_EQ(parts.tokens, Tokens{2});
}

}  // namespace
}  // namespace offload
