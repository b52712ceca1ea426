// SPDX-License-Identifier: Apache-2.0
#include "bench/core/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace offload {
namespace {

namespace fs = std::filesystem;

// A hostile repository may hold a pipe that nobody writes to, or a link to what never ends.
TEST(ReadText, ReadsFilesAndWaitsForNothingElse) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("files-" + std::to_string(getpid()));
  fs::create_directory(folder);
  std::ofstream(folder / "main") << "abc";
  EXPECT_EQ(read_text(folder / "main"), "abc");
  EXPECT_EQ(read_text(folder / "missing"), "");
  EXPECT_EQ(read_text(folder), "");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_text(folder / "pipe"), "");
  fs::create_symlink("/dev/zero", folder / "endless");
  EXPECT_EQ(read_text(folder / "endless"), "");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace offload
