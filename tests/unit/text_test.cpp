// SPDX-License-Identifier: Apache-2.0
// How values are written where people read them.
#include "bench/core/text.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

TEST(Text, WhatIsQuotedIsOneShortPrintableLine) {
  EXPECT_EQ(in_quotes("model_type"), "'model_type'");
  EXPECT_EQ(in_quotes(""), "''");
  EXPECT_EQ(in_quotes("a\n\x1b[31m\xff"), "'a??[31m?'");
  EXPECT_EQ(in_quotes(std::string(80, 'n')), "'" + std::string(80, 'n') + "'");
  EXPECT_EQ(in_quotes(std::string(1'000'000, 'n')), "'" + std::string(80, 'n') + "...'");
}

}  // namespace
}  // namespace offload
