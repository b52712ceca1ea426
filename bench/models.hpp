// SPDX-License-Identifier: Apache-2.0
// Real projections, by the names vLLM gives its fused weights.
#pragma once
#include <string_view>
#include <vector>

#include "offload/weights.hpp"

namespace offload {

/// One WeightSet per projection, named "<model>.<projection>", e.g. llama3.1-8b.down_proj (bf16).
std::vector<WeightSet> preset_weights();
std::vector<std::string_view> preset_models();

}  // namespace offload
