// SPDX-License-Identifier: Apache-2.0
// The modules of a quantised checkpoint that are stored as they were.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace offload {

/// Thrown when names were compared for longer than any checkpoint takes.
struct TooManyPatterns {};

class KeptModules {
 public:
  KeptModules() = default;
  /// By whole segments of their names, or by a pattern with * for any characters.
  explicit KeptModules(std::vector<std::string> names);

  /// Throws TooManyPatterns.
  bool holds(std::string_view module) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  /// As a whole.
  bool matches(std::string_view module, std::string_view pattern) const;

  std::unordered_set<std::string, Hash, std::equal_to<>> segments_;
  std::vector<std::string> patterns_;
  // A file may have many modules and many patterns, and a second is enough for the largest known.
  mutable std::size_t steps_left_ = 300'000'000;
};

}  // namespace offload
