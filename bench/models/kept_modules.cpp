// SPDX-License-Identifier: Apache-2.0
#include "bench/models/kept_modules.hpp"

#include <algorithm>
#include <utility>

namespace offload {

KeptModules::KeptModules(std::vector<std::string> names) {
  for (std::string& name : names) {
    if (name.find('*') == name.npos) {
      segments_.insert(std::move(name));
    } else {
      patterns_.push_back(std::move(name));
    }
  }
}

bool KeptModules::holds(std::string_view module) const {
  // Every run of segments is looked up, instead of every name searched for.
  for (std::size_t begin = 0; begin <= module.size();) {
    for (std::size_t end = begin; end < module.size();) {
      end = std::min(module.find('.', end + 1), module.size());
      if (segments_.contains(module.substr(begin, end - begin))) return true;
    }
    begin = std::min(module.find('.', begin), module.size()) + 1;
  }
  return std::ranges::any_of(patterns_,
                             [&](const std::string& pattern) { return matches(module, pattern); });
}

bool KeptModules::matches(std::string_view module, std::string_view pattern) const {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = pattern.npos;  // the last one passed, which may stand for more
  std::size_t after_star = 0;
  while (at < module.size()) {
    if (steps_left_-- == 0) throw TooManyPatterns();
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      after_star = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == module[at]) {
      ++in_pattern;
      ++at;
    } else if (star != pattern.npos) {
      in_pattern = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == pattern.npos;
}

}  // namespace offload
