// SPDX-License-Identifier: Apache-2.0
#include "bench/models/stored_tensors.hpp"

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
  if (dtype == "F32" || dtype == "I32") return 4;
  return dtype == "BF16" || dtype == "F16" ? 2 : 1;
}

/// Whether the matrix of `module` is; routers are left as they are.
bool is_quantized(const Storage& storage, const std::string& module, Part part) {
  return storage.quantization && part != Part::router &&
         !storage.quantization->kept_modules.holds(module);
}

}  // namespace

ModelTensor plain_tensor(std::string name, std::string_view dtype, Shape shape) {
  name.shrink_to_fit();  // a model of many experts has hundreds of thousands of tensors
  const std::uint64_t count = elements(shape);
  return {std::move(name), std::string(dtype),           std::move(shape),
          count,           count * element_bytes(dtype), Part::other};
}

std::vector<ModelTensor> linear_tensors(const Storage& storage, const std::string& module,
                                        std::uint64_t rows, std::uint64_t cols, bool bias) {
  std::vector<ModelTensor> tensors;
  const Part part = part_in_layer(name_in_layer(module));
  if (is_quantized(storage, module, part)) {
    tensors = tensors_of({module, rows, cols, part, storage.dtype}, *storage.quantization);
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
    tensors = tensors_of({name, rows, cols, Part::experts, storage.dtype, experts},
                         *storage.quantization);
  } else {
    tensors = {plain_tensor(name, storage.dtype, {experts, cols, rows})};
  }
  if (bias) tensors.push_back(plain_tensor(name + "_bias", storage.dtype, {experts, rows}));
  return tensors;
}

}  // namespace offload
