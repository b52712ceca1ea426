// SPDX-License-Identifier: Apache-2.0
// Counts and sizes in JSON.
#pragma once
#include <cstdint>
#include <optional>

#include "bench/models/json_value.hpp"

namespace offload {

/// The value as a whole number from 0; nullopt for anything else, fractions and negatives included.
inline std::optional<std::uint64_t> whole_number(const JsonValue& json) {
  if (const auto* const number = std::get_if<std::uint64_t>(&json.value)) return *number;
  if (const auto* const number = std::get_if<std::int64_t>(&json.value); number && *number >= 0) {
    return static_cast<std::uint64_t>(*number);
  }
  return std::nullopt;
}

}  // namespace offload
