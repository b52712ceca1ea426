// SPDX-License-Identifier: Apache-2.0
// Tensors as a Hugging Face checkpoint stores them: quantised or not, with their scales.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/quantization.hpp"
#include "offload/model.hpp"

namespace offload {

/// What holds for all tensors of a checkpoint.
struct Storage {
  std::string dtype;  // of everything that is not quantised, as safetensors writes it
  std::optional<Quantization> quantization;
};

/// Of no part yet, as all of these are.
ModelTensor plain_tensor(std::string name, std::string_view dtype,
                         std::vector<std::uint64_t> shape);

/// The projection `module`: its matrix, its scales, its bias.
std::vector<ModelTensor> linear_tensors(const Storage& storage, const std::string& module,
                                        std::uint64_t rows, std::uint64_t cols, bool bias);

/// The matrices `name` of all experts in one tensor, transposed unless they are packed, and their
/// biases. `cols` of packed ones are a multiple of mxfp4_block.
std::vector<ModelTensor> stack_tensors(const Storage& storage, const std::string& name,
                                       std::uint64_t experts, std::uint64_t rows,
                                       std::uint64_t cols, bool bias);

}  // namespace offload
