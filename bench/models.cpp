// SPDX-License-Identifier: Apache-2.0
#include "bench/models.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "bench/names.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

/// The fields of a checkpoint's config.json that give the shapes of a dense Llama layer.
struct ModelConfig {
  std::string_view name;
  std::array<std::string_view, 4> aliases;  // Hugging Face ids and common spellings
  std::size_t hidden_size;
  std::size_t intermediate_size;
  std::size_t num_attention_heads;
  std::size_t num_key_value_heads;
  std::size_t head_dim;
  DType dtype;
};

constexpr std::array<ModelConfig, 2> configs{{
    {"llama3.1-8b",
     {"meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B",
      "Llama-3.1-8B-Instruct"},
     4096,
     14336,
     32,
     8,
     128,
     DType::bf16},
    {"llama3.1-70b",
     {"meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.1-70B-Instruct", "Llama-3.1-70B",
      "Llama-3.1-70B-Instruct"},
     8192,
     28672,
     64,
     8,
     128,
     DType::bf16},
}};

/// The four weights of one layer as vLLM fuses them: q, k and v in one, gate and up in one.
std::vector<WeightSet> projections(const ModelConfig& config) {
  const std::size_t query = config.num_attention_heads * config.head_dim;
  const std::size_t key_value = config.num_key_value_heads * config.head_dim;
  const std::array<WeightTensor, 4> tensors{{
      {"qkv_proj", config.dtype, query + 2 * key_value, config.hidden_size},
      {"o_proj", config.dtype, config.hidden_size, query},
      {"gate_up_proj", config.dtype, 2 * config.intermediate_size, config.hidden_size},
      {"down_proj", config.dtype, config.hidden_size, config.intermediate_size},
  }};
  std::vector<WeightSet> sets;
  sets.reserve(tensors.size());
  for (const WeightTensor& tensor : tensors) {
    sets.push_back({std::string(config.name) + "." + tensor.name, {tensor}});
  }
  return sets;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return to_lower(a) == to_lower(b);
}

/// What follows `prefix` and a dot in `name` ("" when nothing does); nullopt for another prefix.
std::optional<std::string_view> after_prefix(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return std::nullopt;
  if (!equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return std::nullopt;
  const std::string_view rest = name.substr(prefix.size());
  if (rest.empty()) return rest;
  const bool continues = rest.front() == '.' && rest.size() > 1;
  return continues ? std::optional(rest.substr(1)) : std::nullopt;
}

WeightSet in_dtype(WeightSet set, DType dtype) {
  if (dtype == set.tensors.front().dtype) return set;
  set.name += "." + std::string(name(dtype));
  for (WeightTensor& tensor : set.tensors) tensor.dtype = dtype;
  return set;
}

/// `selector` is what follows the model: nothing, a projection, or a projection and a dtype.
std::vector<WeightSet> select(const ModelConfig& config, std::string_view selector) {
  std::vector<WeightSet> sets = projections(config);
  if (selector.empty()) return sets;
  for (WeightSet& set : sets) {
    const auto dtype_name = after_prefix(selector, set.tensors.front().name);
    if (!dtype_name) continue;
    if (dtype_name->empty()) return {std::move(set)};
    const std::optional<DType> dtype = parse_dtype(to_lower(*dtype_name));
    if (dtype) return {in_dtype(std::move(set), *dtype)};
  }
  return {};
}

/// The names a model answers to, its own first.
std::vector<std::string_view> names_of(const ModelConfig& config) {
  std::vector<std::string_view> names{config.name};
  names.insert(names.end(), config.aliases.begin(), config.aliases.end());
  return names;
}

/// The length of a row for `elements` elements: a power of two as in real weights where possible.
std::size_t row_length(std::size_t elements) {
  constexpr std::size_t longest = 8192;
  constexpr std::size_t shortest = 64;  // shorter rows are no weight anybody has
  std::size_t power = 1;
  while (power < longest && elements % (power * 2) == 0) power *= 2;
  if (power >= shortest) return power;
  for (std::size_t divisor = std::min(longest, elements); divisor >= shortest; --divisor) {
    if (elements % divisor == 0) return divisor;
  }
  return elements;  // no row length divides it: one single row
}

}  // namespace

std::vector<WeightSet> preset_weights() {
  std::vector<WeightSet> sets;
  for (const ModelConfig& config : configs) {
    std::vector<WeightSet> of_model = projections(config);
    std::move(of_model.begin(), of_model.end(), std::back_inserter(sets));
  }
  return sets;
}

std::vector<std::string_view> preset_models() {
  std::vector<std::string_view> names;
  names.reserve(configs.size());
  for (const ModelConfig& config : configs) names.push_back(config.name);
  return names;
}

std::string_view find_preset_model(std::string_view name) {
  for (const ModelConfig& config : configs) {
    for (const std::string_view known : names_of(config)) {
      if (equal_ignoring_case(known, name)) return config.name;
    }
  }
  return "";
}

std::vector<WeightSet> find_preset_weights(std::string_view name) {
  for (const ModelConfig& config : configs) {
    for (const std::string_view known : names_of(config)) {
      const auto selector = after_prefix(name, known);
      if (!selector) continue;
      std::vector<WeightSet> sets = select(config, *selector);
      if (!sets.empty()) return sets;
    }
  }
  return {};
}

WeightSet sized_weights(std::size_t bytes) {
  const DType dtype = bytes % 2 == 0 ? DType::bf16 : DType::u8;
  const std::size_t elements = bytes / bytes_of(dtype);
  const std::size_t cols = row_length(elements);
  return {format_size(bytes), {{"bytes", dtype, elements / cols, cols}}};
}

}  // namespace offload
