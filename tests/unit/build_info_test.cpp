// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <regex>

#include "bench/record.hpp"

namespace offload {
namespace {

TEST(BuildInfo, SaysWhatWasBuilt) {
  const BuildInfo info = build_info();
  EXPECT_TRUE(std::regex_match(info.version, std::regex(R"(\d+\.\d+\.\d+)"))) << info.version;
  EXPECT_TRUE(std::regex_match(info.git_commit, std::regex("unknown|[0-9a-f]{40}")))
      << info.git_commit;
  EXPECT_TRUE(std::regex_match(info.benchmark_library, std::regex(R"(\d+\.\d+\.\d+)")))
      << info.benchmark_library;
  EXPECT_FALSE(info.build_type.empty());
  EXPECT_NE(info.compiler.find(' '), std::string::npos) << info.compiler;
  EXPECT_EQ(info.cuda_toolkit.empty(), info.cuda_architectures.empty());
}

}  // namespace
}  // namespace offload
