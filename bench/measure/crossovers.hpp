// SPDX-License-Identifier: Apache-2.0
// From where on it pays to bring weights to the GPU.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "offload/model.hpp"
#include "offload/rates.hpp"

namespace offload {

/// From how many tokens on it is quicker to bring a weight than to compute where it lies; nullopt
/// where that is never so, or not known.
std::optional<std::size_t> tokens_to_copy_from(const ProductShape& weight, const Rates& rates);

/// From how many bytes on a copy and a read beat a read over the link; nullopt where never.
std::optional<double> bytes_to_copy_from(const Rates& rates);

/// Up to how many bytes each copy of a batch (cudaMemcpyBatchAsync) takes 5 % less than a call of
/// its own, or still less; nullopt where never, or not known.
std::optional<double> bytes_to_batch_to(const Rates& rates);

/// From how many bytes on page faults bring a chunk no later than a copy does: infinity where
/// never; nullopt where that is not known.
std::optional<double> bytes_to_fault_from(const Rates& rates);

/// The fewest threads that read the CPU's memory within 3 % as fast as all of them; nullopt where
/// that is not known.
std::optional<std::size_t> threads_to_read(const Rates& rates);

/// From how many tokens on a copy is quicker than the CPU, for one kind of weight.
struct Crossover {
  std::string weight;  // "mlp, bf16 28672x4096"
  std::optional<std::size_t> tokens;
};

/// Of the model's projections for which the rates say both.
std::vector<Crossover> crossovers(const Model& model, const Rates& rates);

}  // namespace offload
