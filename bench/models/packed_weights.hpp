// SPDX-License-Identifier: Apache-2.0
// How many weights the tensors of a quantised checkpoint hold: several in a byte or a word, which
// their scales show, or the config beside them.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"
#include "bench/models/safetensors.hpp"

namespace offload {

/// What a config says of weights packed into words; 0 where it does not.
struct Packing {
  std::uint64_t bits = 0;                                      // of a weight
  std::uint64_t group = 0;                                     // weights that share a scale
  std::map<std::string, std::uint64_t, std::less<>> group_of;  // by module, where others do
};

/// By a config's fields of compressed-tensors, or of MLX.
Packing packing_of(const JsonValue& config);

/// Text about a tensor that is stored as one; no engine keeps it with the weights.
bool is_annotation(std::string_view name);

/// The number of weights of each; 0 for what only says how to read others.
std::vector<std::uint64_t> count_parameters(const std::vector<SafetensorsTensor>& tensors,
                                            const Packing& packing);

}  // namespace offload
