// SPDX-License-Identifier: Apache-2.0
// Reads one value from one file, and keeps a note of why there is none.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "offload/platform.hpp"

namespace offload {

class NotedFiles {
 public:
  explicit NotedFiles(std::filesystem::path root) : root_(std::move(root)) {}

  /// The text of `file`, a path below the root, without white space around it; "" is noted.
  std::string text(std::string_view field, std::string_view file);
  /// The whole of `file` as one decimal number that is not negative.
  std::optional<std::size_t> number(std::string_view field, std::string_view file);
  /// Notes that `file` says something else than it should.
  void nonsense(std::string_view field, std::string_view file, std::string_view found);
  void note(std::string_view field, std::string reason);

  const std::filesystem::path& root() const { return root_; }
  std::vector<Unknown> take_notes() { return std::move(notes_); }

 private:
  std::filesystem::path root_;
  std::vector<Unknown> notes_;
};

}  // namespace offload
