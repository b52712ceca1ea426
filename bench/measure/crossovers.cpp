// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/crossovers.hpp"

#include "bench/models/linear_weights.hpp"

namespace offload {

std::optional<std::size_t> tokens_to_copy_from(const ProductShape& weight, const Rates& rates) {
  if (!rates.copy_h2d || !rates.copy_start) return std::nullopt;
  const double copy = weight.bytes() / *rates.copy_h2d + *rates.copy_start;
  constexpr std::size_t most = 256;  // beyond, the CPU is not asked
  for (std::size_t tokens = 1; tokens <= most; tokens *= 2) {
    ProductShape shape = weight;
    shape.tokens = tokens;
    const auto on_gpu = gpu_product(rates, shape);
    const auto on_cpu = cpu_product(rates, shape);
    if (!on_gpu || !on_cpu) return std::nullopt;
    if (copy + on_gpu->seconds < on_cpu->seconds) return tokens;
  }
  return std::nullopt;
}

std::optional<double> bytes_to_copy_from(const Rates& rates) {
  if (!rates.copy_h2d || !rates.sm_read_pinned || !rates.copy_start) return std::nullopt;
  const double gained = 1 / *rates.sm_read_pinned - 1 / *rates.copy_h2d;
  if (gained <= 0) return std::nullopt;
  return (*rates.copy_start + rates.launch.value_or(0)) / gained;
}

std::vector<Crossover> crossovers(const Model& model, const Rates& rates) {
  std::vector<Crossover> found;
  for (const WeightSet& weights : projections_of(model)) {
    const WeightTensor& tensor = weights.tensors.front();
    ProductShape shape{tensor.dtype, tensor.rows, tensor.cols, 256};
    if (!cpu_product(rates, shape) || !gpu_product(rates, shape)) continue;
    shape.tokens = 1;
    found.push_back({weights.name + ", " + std::string(name(tensor.dtype)) + ' ' +
                         std::to_string(tensor.rows) + 'x' + std::to_string(tensor.cols),
                     tokens_to_copy_from(shape, rates)});
  }
  return found;
}

}  // namespace offload
