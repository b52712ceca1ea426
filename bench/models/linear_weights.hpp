// SPDX-License-Identifier: Apache-2.0
// Which of a model's tensors are the matrices that a pass reads, and how a workload sees them.
#pragma once
#include <optional>
#include <string_view>

#include "offload/dtype.hpp"
#include "offload/model.hpp"
#include "offload/weights.hpp"

namespace offload {

/// A matrix, or a stack of them, of attention, feed-forward or experts: no bias, no scales.
bool is_linear_weight(const ModelTensor& tensor);

/// What a quantised linear weight cannot be read without.
bool is_linear_scale(const ModelTensor& tensor);

/// Our dtype of safetensors' "BF16", "F16", "F32", "F8_E4M3", "U8"; nullopt for others.
std::optional<DType> dtype_from_safetensors(std::string_view name);

/// A linear weight as rows and columns named `name`, a stack of experts as all its rows; nullopt
/// when its elements have no dtype of ours, packed ones included.
std::optional<WeightTensor> as_weight(const ModelTensor& tensor, std::string_view name);

}  // namespace offload
