// SPDX-License-Identifier: Apache-2.0
#include "bench/models/linear_weights.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "bench/models/fuse.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

bool is_linear(Part part) {
  return part == Part::attention || part == Part::mlp || part == Part::experts ||
         part == Part::shared_expert;
}

/// Where the first `rows` rows are stored. Parts that follow one another in a file are one.
std::vector<StoredRows> stored_rows(const ModelTensor& tensor, std::size_t rows,
                                    std::size_t row_bytes) {
  std::vector<StoredRows> all;
  for (const StoredBytes& part : tensor.parts()) {
    const std::size_t here = std::min(rows, part.bytes / row_bytes);
    if (here == 0) break;
    rows -= here;
    if (!all.empty() && all.back().file == part.file &&
        all.back().offset + all.back().rows * row_bytes == part.offset) {
      all.back().rows += here;
    } else {
      all.push_back({part.file, part.offset, here});
    }
  }
  return all;
}

/// A linear weight, or a scale, of elements that no dtype of ours fits is its bytes, row by row; of
/// a stack, each expert's rows. Rows that are stored in parts are as long as they fit into each.
WeightTensor as_bytes(const ModelTensor& tensor, std::string_view name) {
  std::uint64_t rows = tensor.shape.empty() ? 1 : tensor.shape.front();  // a scalar has no shape
  if (tensor.shape.size() > 2) rows *= tensor.shape[1];
  if (rows == 0 || tensor.bytes % rows != 0) rows = 1;
  WeightTensor weight{std::string(name), DType::u8, rows, tensor.bytes / rows};
  for (const StoredBytes& part : tensor.parts()) weight.cols = std::gcd(weight.cols, part.bytes);
  if (tensor.stored) weight.rows = tensor.bytes / weight.cols;
  weight.stored = stored_rows(tensor, weight.rows, weight.cols);
  return weight;
}

/// "experts.gate_proj.weight" for "experts.17.gate_proj.weight": experts that a checkpoint keeps
/// apart are one stack here, as all engines hold them.
std::string without_expert(std::string_view name) {
  const std::string number = "." + std::to_string(*expert_of(name)) + ".";
  std::string text(name);
  return text.replace(text.find(number), number.size(), ".");
}

/// Experts of a layer in one tensor; of scales each may have no more than one. What is packed may
/// have as many dimensions for one expert.
bool is_stack(const ModelTensor& tensor) {
  if (tensor.part != Part::experts || tensor.shape.empty()) return false;
  if (expert_of(name_in_layer(tensor.name))) return false;
  return tensor.parameters == 0 || tensor.shape.size() >= 3;
}

/// "down_proj" for mlp.down_proj.weight, "w2_weight" for mlp.experts.w2_weight; the shared experts'
/// carry their module's name, since a dense layer may have its own.
std::string projection_name(const ModelTensor& tensor) {
  std::string_view name = name_in_layer(tensor.name);
  constexpr std::string_view weight = ".weight";
  if (name.ends_with(weight)) name.remove_suffix(weight.size());
  std::size_t begin = name.rfind('.') + 1;  // npos + 1 is 0
  const bool in_module = begin > 1 && tensor.part == Part::shared_expert;
  if (in_module) begin = name.rfind('.', begin - 2) + 1;
  return std::string(name.substr(begin));
}

/// The length of a row for `elements` elements: a power of two as in real weights where possible.
std::size_t row_length(std::size_t elements) {
  constexpr std::size_t longest = 8192;
  constexpr std::size_t shortest = 64;  // no real weight has shorter rows
  std::size_t power = 1;
  while (power < longest && elements % (power * 2) == 0) power *= 2;
  if (power >= shortest) return power;
  for (std::size_t divisor = std::min(longest, elements); divisor >= shortest; --divisor) {
    if (elements % divisor == 0) return divisor;
  }
  return elements;  // no row length divides it: one single row
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
  WeightTensor weight{std::string(name), *dtype, tensor.parameters / cols, cols};
  weight.stored = stored_rows(tensor, weight.rows, weight.row_bytes());
  return weight;
}

std::vector<WeightTensor> linear_weights(const ModelLayer& layer, std::size_t index,
                                         const std::vector<bool>& offloaded) {
  std::vector<WeightTensor> weights;
  for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
    const ModelTensor& tensor = layer.tensors[i];
    // Scales travel with the weights that mean nothing without them.
    if (!is_linear_weight(tensor) && !is_linear_scale(tensor)) continue;
    if (tensor.bytes == 0) continue;
    const std::string_view name = name_in_layer(tensor.name);
    WeightTensor weight = as_weight(tensor, name).value_or(as_bytes(tensor, name));
    weight.layer = index;
    weight.resident = !offloaded[i];
    const bool stacked = is_stack(tensor) && weight.rows % tensor.shape.front() == 0;
    if (stacked) weight.experts = tensor.shape.front();
    if (tensor.part == Part::experts && !stacked && expert_of(name)) {
      weight.name = without_expert(name);
      const auto stack =
          std::find_if(weights.begin(), weights.end(), [&](const WeightTensor& other) {
            return other.name == weight.name && other.experts > 0 && other.cols == weight.cols &&
                   other.dtype == weight.dtype && other.resident == weight.resident;
          });
      if (stack != weights.end()) {
        stack->rows += weight.rows;
        ++stack->experts;
        std::ranges::move(weight.stored, std::back_inserter(stack->stored));
        continue;
      }
      weight.experts = 1;
    }
    weights.push_back(std::move(weight));
  }
  return weights;
}

std::vector<WeightSet> projections_of(const Model& checkpoint) {
  const Model model = fused(checkpoint);
  std::vector<WeightSet> sets;
  std::set<std::string, std::less<>> known;
  for (const ModelLayer& layer : model.layers) {
    for (const ModelTensor& tensor : layer.tensors) {
      if (!is_linear_weight(tensor)) continue;
      std::string projection = projection_name(tensor);
      std::string name = plain_model_name(model.label() + "." + projection);
      if (!known.insert(name).second) continue;
      WeightTensor weight = as_weight(tensor, projection).value_or(as_bytes(tensor, projection));
      if (is_stack(tensor)) {
        weight.rows /= tensor.shape.front();
        weight.stored = stored_rows(tensor, weight.rows, weight.row_bytes());
      }
      sets.push_back({std::move(name), {std::move(weight)}});
      sets.back().tensor_parallel = model.tensor_parallel;
    }
  }
  return sets;
}

WeightSet sized_weights(std::size_t bytes) {
  const DType dtype = bytes % 2 == 0 ? DType::bf16 : DType::u8;
  const std::size_t elements = bytes / bytes_of(dtype);
  const std::size_t cols = row_length(elements);
  return {format_size(bytes), {{"bytes", dtype, elements / cols, cols}}};
}

}  // namespace offload
