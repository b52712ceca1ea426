// SPDX-License-Identifier: Apache-2.0
#include "bench/models/stored_tensors.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "bench/models/tensor_names.hpp"

namespace offload {
namespace {

using Shape = std::vector<std::uint64_t>;

std::uint64_t elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

std::uint64_t element_bytes(std::string_view dtype) {
  if (dtype == "I64") return 8;
  if (dtype == "F32") return 4;
  return dtype == "BF16" || dtype == "F16" ? 2 : 1;
}

/// Tensors that say how to read others: no parameters of the model.
ModelTensor scales(std::string name, std::string_view dtype, Shape shape) {
  ModelTensor result = plain_tensor(std::move(name), dtype, std::move(shape));
  result.parameters = 0;
  return result;
}

/// Several elements in each byte.
ModelTensor packed(std::string name, Shape shape, std::uint64_t parameters) {
  ModelTensor result = plain_tensor(std::move(name), "U8", std::move(shape));
  result.parameters = parameters;
  return result;
}

std::uint64_t blocks(std::uint64_t length, std::uint64_t block) {
  return (length + block - 1) / block;
}

/// How the matrix of `module` is quantised; nullptr when it is not.
const Quantization* quantization_of(const Storage& storage, const std::string& module) {
  if (!storage.quantization || storage.quantization->form == QuantizedForm::mxfp4) return nullptr;
  const std::vector<std::string>& kept = storage.quantization->kept_modules;
  const bool is_kept = std::any_of(kept.begin(), kept.end(), [&](const std::string& name) {
    return has_name_segments(module, name) || matches_pattern(module, name);
  });
  return is_kept ? nullptr : &*storage.quantization;
}

void add_activation_scales(const std::string& module, const Quantization& quantization,
                           std::vector<ModelTensor>& tensors) {
  const Shape scalar;
  tensors.push_back(scales(module + ".input_scale", "F32", scalar));
  if (!quantization.kv_scales) return;
  for (const auto& [projection, scale] :
       {std::pair("self_attn.k_proj", ".k_scale"), std::pair("self_attn.v_proj", ".v_scale")}) {
    if (module.ends_with(projection)) tensors.push_back(scales(module + scale, "F32", scalar));
  }
}

std::vector<ModelTensor> quantized(const std::string& module, std::uint64_t rows,
                                   std::uint64_t cols, const Quantization& quantization) {
  const Shape scalar;
  const std::string weight = module + ".weight";
  if (quantization.form == QuantizedForm::fp8_blocks) {
    return {plain_tensor(weight, "F8_E4M3", {rows, cols}),
            scales(weight + "_scale_inv", "F32",
                   {blocks(rows, quantization.rows), blocks(cols, quantization.cols)})};
  }
  std::vector<ModelTensor> tensors;
  if (quantization.form == QuantizedForm::fp8_tensors) {
    tensors = {plain_tensor(weight, "F8_E4M3", {rows, cols}),
               scales(weight + "_scale", "F32", scalar)};
  } else {
    tensors = {packed(weight, {rows, blocks(cols, 2)}, rows * cols),
               scales(weight + "_scale", "F8_E4M3", {rows, blocks(cols, 16)}),
               scales(weight + "_scale_2", "F32", scalar)};
  }
  add_activation_scales(module, quantization, tensors);
  return tensors;
}

}  // namespace

ModelTensor plain_tensor(std::string name, std::string_view dtype, Shape shape) {
  const std::uint64_t count = elements(shape);
  return {std::move(name), std::string(dtype),           std::move(shape),
          count,           count * element_bytes(dtype), Part::other};
}

std::vector<ModelTensor> linear_tensors(const Storage& storage, const std::string& module,
                                        std::uint64_t rows, std::uint64_t cols, bool bias) {
  std::vector<ModelTensor> tensors;
  if (const Quantization* quantization = quantization_of(storage, module)) {
    tensors = quantized(module, rows, cols, *quantization);
  } else {
    tensors = {plain_tensor(module + ".weight", storage.dtype, {rows, cols})};
  }
  if (bias) tensors.push_back(plain_tensor(module + ".bias", storage.dtype, {rows}));
  return tensors;
}

std::vector<ModelTensor> stack_tensors(const Storage& storage, const std::string& name,
                                       std::uint64_t experts, std::uint64_t rows,
                                       std::uint64_t cols, bool bias) {
  std::vector<ModelTensor> tensors;
  if (storage.quantization) {
    const std::uint64_t scaled = cols / mxfp4_block;
    tensors = {
        packed(name + "_blocks", {experts, rows, scaled, mxfp4_block / 2}, experts * rows * cols),
        scales(name + "_scales", "U8", {experts, rows, scaled})};
  } else {
    tensors = {plain_tensor(name, storage.dtype, {experts, cols, rows})};
  }
  if (bias) tensors.push_back(plain_tensor(name + "_bias", storage.dtype, {experts, rows}));
  return tensors;
}

}  // namespace offload
