// SPDX-License-Identifier: Apache-2.0
#include "bench/models/name_segments.hpp"

#include <algorithm>

namespace offload {

bool has_name_segments(std::string_view name, std::string_view segments) {
  if (segments.empty()) return false;
  for (std::size_t at = name.find(segments); at != name.npos; at = name.find(segments, at + 1)) {
    const std::size_t end = at + segments.size();
    const bool begins = at == 0 || name[at - 1] == '.';
    const bool ends = end == name.size() || name[end] == '.';
    if (begins && ends) return true;
  }
  return false;
}

std::string_view name_in_layer(std::string_view name) {
  std::string_view rest = name;
  for (std::size_t dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
    const std::string_view segment = rest.substr(0, dot);
    rest.remove_prefix(dot + 1);
    const bool number = !segment.empty() && std::all_of(segment.begin(), segment.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
    if (number) return rest;
  }
  return name;
}

}  // namespace offload
