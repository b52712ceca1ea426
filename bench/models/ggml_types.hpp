// SPDX-License-Identifier: Apache-2.0
// How ggml stores weights: blocks of so many weights in so many bytes.
#pragma once
#include <cstdint>
#include <string_view>

namespace offload {

struct GgmlType {
  std::uint32_t id = 0;
  std::string_view name;  // as ggml spells it: "Q4_K"
  std::uint32_t block_weights = 1;
  std::uint32_t block_bytes = 0;
};

/// nullptr for a number that ggml has not given out, or has taken back.
const GgmlType* find_ggml_type(std::uint64_t id);

}  // namespace offload
