// SPDX-License-Identifier: Apache-2.0
// What reads and products take by the rates of a machine.
#pragma once
#include <cstddef>
#include <optional>

#include "bench/workloads/parts/products.hpp"
#include "offload/prediction.hpp"

namespace offload {

/// A kernel that reads `bytes` of `piece` once, wherever they lie, or the CPU.
WorkItem read_item(const Piece& piece, std::size_t bytes, const Rates& rates);

/// `steps` dependent reads by one thread of the GPU.
WorkItem chase_item(const Piece& piece, std::size_t bytes, std::size_t steps, const Rates& rates);

/// The product of some of `tensor`'s rows.
WorkItem product_item(const Product& product, const WeightTensor& tensor, const Rates& rates);

}  // namespace offload
