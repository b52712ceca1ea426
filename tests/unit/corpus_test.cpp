// SPDX-License-Identifier: Apache-2.0
// What the fuzzers found worth keeping, read again by every build.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/fuzz/readers.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

/// Both kinds must be there, or the corpus reaches too little.
struct Verdicts {
  std::size_t taken = 0;
  std::size_t refused = 0;
};

Verdicts replay(const fs::path& name, bool (*takes)(std::string_view)) {
  Verdicts verdicts;
  const fs::path corpus = fs::path(OFFLOAD_TESTS_CORPUS) / name;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file),
                              std::istreambuf_iterator<char>()};
    SCOPED_TRACE(entry.path().string());
    try {
      ++(takes(content) ? verdicts.taken : verdicts.refused);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
  return verdicts;
}

TEST(FuzzCorpus, Gguf) {
  const Verdicts verdicts = replay("gguf", takes_gguf);
  EXPECT_GE(verdicts.taken, 1U);
  EXPECT_GE(verdicts.refused, 20U);
}

TEST(FuzzCorpus, Safetensors) {
  const Verdicts verdicts = replay("safetensors", takes_safetensors);
  EXPECT_GE(verdicts.taken, 1U);
  EXPECT_GE(verdicts.refused, 20U);
}

}  // namespace
}  // namespace offload
