// SPDX-License-Identifier: Apache-2.0
#include "bench/models/linear_weights.hpp"

#include <array>
#include <utility>

namespace offload {

namespace {

bool is_linear(Part part) {
  return part == Part::attention || part == Part::mlp || part == Part::experts ||
         part == Part::shared_expert;
}

}  // namespace

bool is_linear_weight(const ModelTensor& tensor) {
  return is_linear(tensor.part) && tensor.shape.size() >= 2 && tensor.parameters > 0 &&
         !tensor.name.ends_with("bias");
}

bool is_linear_scale(const ModelTensor& tensor) {
  return is_linear(tensor.part) && tensor.parameters == 0;
}

std::optional<DType> dtype_from_safetensors(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DType>, 5> names{{
      {"BF16", DType::bf16},
      {"F16", DType::fp16},
      {"F32", DType::fp32},
      {"F8_E4M3", DType::fp8_e4m3},
      {"U8", DType::u8},
  }};
  for (const auto& [known, dtype] : names) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

std::optional<WeightTensor> as_weight(const ModelTensor& tensor, std::string_view name) {
  const std::optional<DType> dtype = dtype_from_safetensors(tensor.dtype);
  if (!is_linear_weight(tensor) || !dtype) return std::nullopt;
  if (tensor.bytes != tensor.parameters * bytes_of(*dtype)) return std::nullopt;  // packed
  const std::uint64_t cols = tensor.shape.back();
  return WeightTensor{std::string(name), *dtype, tensor.parameters / cols, cols};
}

}  // namespace offload
