// SPDX-License-Identifier: Apache-2.0
// What attention keeps of every token.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// Bytes of keys and values that a token adds to each layer, of 16-bit numbers; nullopt where the
/// model's tensors do not show it.
std::optional<std::vector<std::uint64_t>> kv_bytes_per_token(const Model& checkpoint);

}  // namespace offload
