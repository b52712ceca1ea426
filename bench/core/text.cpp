// SPDX-License-Identifier: Apache-2.0
#include "bench/core/text.hpp"

namespace offload {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t max_length = 80;
  std::string result = "'";
  for (const char letter : text.substr(0, max_length)) {
    result += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return result + (text.size() > max_length ? "...'" : "'");
}

}  // namespace offload
