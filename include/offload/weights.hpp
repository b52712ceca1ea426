// SPDX-License-Identifier: Apache-2.0
// What is measured: weight tensors, and the named sets of them that one case reads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offload/dtype.hpp"
#include "offload/weight_file.hpp"

namespace offload {

/// Rows of a tensor as they lie one behind the other in a file.
struct StoredRows {
  std::shared_ptr<const WeightFile> file;
  std::uint64_t offset = 0;  // of the first row, from the beginning of the file
  std::size_t rows = 0;
};

/// A row-major matrix: rows are output features, cols input features.
struct WeightTensor {
  std::string name;
  DType dtype = DType::bf16;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t layer = 0;    // tensors of one layer are neighbours; whole layers are prefetched
  std::size_t experts = 0;  // of an MoE layer, stacked: rows / experts rows each; 0 for a dense one
  bool resident = false;    // stays in GPU memory under every policy
  /// All rows, in their order, where its bytes are those of a model's files; empty where they are
  /// generated.
  std::vector<StoredRows> stored = {};

  std::size_t row_bytes() const { return cols * bytes_of(dtype); }
  std::size_t bytes() const { return rows * row_bytes(); }
  bool same_shape(const WeightTensor& other) const {
    return dtype == other.dtype && rows == other.rows && cols == other.cols &&
           experts == other.experts;
  }
};

/// The model a weight set stands for: all of its layers, or some, evenly chosen among those of one
/// kind.
struct ModelSlice {
  std::string model;
  std::size_t layers = 0;
  std::size_t layers_measured = 0;
  std::size_t experts_per_token = 0;
  std::uint64_t offloaded_bytes = 0;  // of all layers' linear weights
  std::uint64_t resident_bytes = 0;   // likewise, kept in GPU memory
  std::uint64_t other_bytes = 0;      // embedding, head, norms: in GPU memory and not read here
};

/// The tensors of one case in reading order; a single projection is a set of one.
struct WeightSet {
  std::string name;  // third part of the benchmark name: no slash, comma or space
  std::vector<WeightTensor> tensors;
  std::optional<ModelSlice> slice = std::nullopt;
  std::size_t routed_experts = 0;  // that one token is sent to; of stacks that are no model's slice
  std::size_t tensor_parallel = 1;  // GPUs that share the model, of which these are one's part

  std::size_t experts_per_token() const {
    return slice ? slice->experts_per_token : routed_experts;
  }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& tensor : tensors) sum += tensor.bytes();
    return sum;
  }
};

/// A row range of one tensor: what one kernel launch reads. It begins at a multiple of 4 bytes into
/// the tensor, so that the word sums of a tensor's pieces add up to the tensor's.
struct Piece {
  std::size_t tensor = 0;  // index into WeightSet::tensors
  std::size_t first_row = 0;
  std::size_t rows = 0;
};

/// A weight of one's own, NAME:ROWSxCOLS:DTYPE, such as my_proj:4096x14336:bf16. Throws UsageError
/// for anything else.
WeightTensor parse_tensor(std::string_view text);

/// A small set that stands for a large one: rows of the first tensor that is not resident,
/// `max_bytes` of them or a few rows; without experts, of generated content. No tensor where all
/// are resident.
WeightSet plain_part(const WeightSet& weights, std::size_t max_bytes);

}  // namespace offload
