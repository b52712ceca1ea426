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

void expect_both(const Verdicts& verdicts) {
  EXPECT_GE(verdicts.taken, 1U);
  EXPECT_GE(verdicts.refused, 20U);
}

TEST(FuzzCorpus, ModelFiles) {
  expect_both(replay("gguf", fuzz::takes_gguf));
  expect_both(replay("safetensors", fuzz::takes_safetensors));
  expect_both(replay("index", fuzz::takes_index));
}

TEST(FuzzCorpus, Configs) {
  expect_both(replay("config", fuzz::takes_config));
  expect_both(replay("quantization", fuzz::takes_quantization));
  expect_both(replay("expression", fuzz::takes_expression));
}

TEST(FuzzCorpus, Machines) {
  expect_both(replay("machine", fuzz::takes_machine));
  expect_both(replay("calibration", fuzz::takes_calibration));
}

TEST(FuzzCorpus, CommandLines) {
  expect_both(replay("command_line", fuzz::takes_command_line));
  expect_both(replay("values", fuzz::takes_values));
}

}  // namespace
}  // namespace offload
