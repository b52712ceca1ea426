// SPDX-License-Identifier: Apache-2.0
// Attention of one new token of each sequence over what is cached of those before it: what a decode
// step reads beside its weights.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "offload/stream.hpp"

namespace offload::kernels {

/// Heads of 128 features of bf16; each head of keys and values serves four of queries (as
/// Llama-3.1-8B has them).
struct AttentionShape {
  static constexpr std::size_t features = 128;
  static constexpr std::size_t group = 4;

  std::size_t rows = 0;  // sequences x heads of keys and values
  std::size_t tokens = 0;

  std::size_t cache_elements() const { return rows * tokens * features; }  // of keys, or of values
  std::size_t query_elements() const { return rows * group * features; }   // of the result, too
};

/// Parts into which the tokens of each row are split, so that all SMs have work, and the floats of
/// what they leave to be put together.
std::size_t attention_splits(const AttentionShape& shape);
std::size_t attention_scratch_floats(const AttentionShape& shape, std::size_t splits);

/// `keys` and `values` are [rows, tokens, 128], `queries` and `out` (floats) [rows, 4, 128]; all in
/// GPU memory, 16-byte aligned, tokens at least 1. Softmax of queries times keys over the root of
/// 128, times values.
void decode_attention(const std::uint16_t* keys, const std::uint16_t* values,
                      const std::uint16_t* queries, float* out, float* scratch,
                      const AttentionShape& shape, std::size_t splits, StreamHandle stream);

}  // namespace offload::kernels

namespace offload::reference {

/// The same by the CPU, in double precision, one feature after the other.
std::vector<double> decode_attention(const std::uint16_t* keys, const std::uint16_t* values,
                                     const std::uint16_t* queries,
                                     const kernels::AttentionShape& shape);

}  // namespace offload::reference
