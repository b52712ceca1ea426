// SPDX-License-Identifier: Apache-2.0
// The state in which a pass finds the weights.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace offload {

enum class Start : std::uint8_t {
  cold,    // nothing is resident or mapped on the GPU before the pass
  warm,    // as the last pass left it
  steady,  // cold and warm are the same under this policy
};

inline constexpr std::array<std::string_view, 3> start_names{"cold", "warm", "steady"};

constexpr std::string_view name(Start start) {
  return start_names[static_cast<std::size_t>(start)];
}

constexpr std::optional<Start> parse_start(std::string_view text) {
  for (std::size_t i = 0; i < start_names.size(); ++i) {
    if (start_names[i] == text) return static_cast<Start>(i);
  }
  return std::nullopt;
}

}  // namespace offload
