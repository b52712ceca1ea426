// SPDX-License-Identifier: Apache-2.0
// The matrices that a pass reads, as a workload sees them: those of a model's layer, each of a
// model's on its own, or a plain number of bytes.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// The linear weights of a layer as a pass reads them, experts stacked, scales beside them.
/// `offloaded` has one flag per tensor.
std::vector<WeightTensor> linear_weights(const ModelLayer& layer, std::size_t index,
                                         const std::vector<bool>& offloaded);

/// One WeightSet per distinct linear weight of a layer, named "<model>.<projection>"; of stacked
/// experts, one expert's matrix.
std::vector<WeightSet> projections_of(const Model& checkpoint);

/// One tensor of exactly `bytes` bytes, named by format_size: bf16 when the size is even, u8 when
/// odd, with rows of a power of two up to 8192 elements where that divides the size.
WeightSet sized_weights(std::size_t bytes);

}  // namespace offload
