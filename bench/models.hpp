// SPDX-License-Identifier: Apache-2.0
// The weights that have a name: real projections, by the names vLLM gives its fused weights, and
// plain sizes.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "offload/weights.hpp"

namespace offload {

/// One WeightSet per projection, named "<model>.<projection>", e.g. llama3.1-8b.down_proj (bf16).
std::vector<WeightSet> preset_weights();
std::vector<std::string_view> preset_models();

/// The canonical name of a model, from that name or its Hugging Face id in any case; "" if unknown.
std::string_view find_preset_model(std::string_view name);

/// What `name` stands for, in any case: a model (every projection), a projection, or a projection
/// in another dtype, such as llama3.1-8b.down_proj.fp8_e4m3. Empty when there is no such weight.
std::vector<WeightSet> find_preset_weights(std::string_view name);

/// One tensor of exactly `bytes` bytes, named by format_size: bf16 when the size is even, u8 when
/// odd, with rows of a power of two up to 8192 elements where that divides the size.
WeightSet sized_weights(std::size_t bytes);

}  // namespace offload
