// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/crossovers.hpp"

#include <algorithm>
#include <limits>

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

std::optional<double> bytes_to_batch_to(const Rates& rates) {
  constexpr double gain = 0.05;
  if (!rates.copy_h2d || !rates.copy_start || !rates.batch_start) return std::nullopt;
  // start + bytes / rate, each: equal where the batch's is 1 - gain of the call's.
  const double bytes =
      ((1 - gain) * *rates.copy_start - *rates.batch_start) / gain * *rates.copy_h2d;
  return bytes > 0 ? std::optional(bytes) : std::nullopt;
}

std::optional<double> bytes_to_fault_from(const Rates& rates) {
  if (!rates.fault || !rates.copy_h2d || !rates.copy_start) return std::nullopt;
  const double begun = rates.fault_run_start.value_or(0) - *rates.copy_start;
  const double gained = 1 / *rates.copy_h2d - 1 / *rates.fault;
  if (gained <= 0) return std::numeric_limits<double>::infinity();
  return std::max(0.0, begun / gained);
}

std::optional<std::size_t> threads_to_read(const Rates& rates) {
  constexpr double as_fast = 0.97;
  for (const auto& [threads, rate] : rates.host_read_by_threads) {
    if (rate >= as_fast * rates.host_read) return threads;
  }
  return std::nullopt;
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
