// SPDX-License-Identifier: Apache-2.0
// A product with a weight that is reached through a table of pointers. A warp per row: it fetches
// the row's descriptor and follows it. Integers throughout, so that the result is exact.
#include "kernels/launch.cuh"
#include "kernels/load.cuh"
#include "kernels/nested.hpp"
#include "kernels/sum.cuh"

namespace offload::kernels {
namespace {

constexpr int threads = 256;
constexpr int unroll = 4;
constexpr unsigned block_vectors = nested::value_bytes / sizeof(uint4);
constexpr unsigned low_factors = 0x04030201;   // of the four low halves in a word
constexpr unsigned high_factors = 0x08070605;  // and the high ones
constexpr int factors_of_vector = 4 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8);

/// The products of eight 4-bit values.
__device__ unsigned product(unsigned word, unsigned before) {
  const unsigned low = word & 0x0f0f0f0fU;
  const unsigned high = (word >> 4) & 0x0f0f0f0fU;
  return __dp4a(high, high_factors, __dp4a(low, low_factors, before));
}

__device__ int product(uint4 v) {
  return static_cast<int>(product(v.x, product(v.y, product(v.z, product(v.w, 0)))));
}

__global__ void __launch_bounds__(threads)
    nested_kernel(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y) {
  const std::size_t row = std::size_t{blockIdx.x} * (threads / 32) + threadIdx.x / 32;
  if (row >= rows) return;
  const unsigned lane = threadIdx.x % 32;
  const nested::Row parts = table[row];
  const auto* const values = reinterpret_cast<const uint4*>(parts.values);
  const auto* const scales = reinterpret_cast<const unsigned short*>(parts.scales);
  const auto* const zeros = reinterpret_cast<const unsigned char*>(parts.zeros);
  const std::size_t vectors = blocks * block_vectors;

  long long total = 0;
  for (std::size_t at = lane; at < vectors; at += 32 * unroll) {
    uint4 loaded[unroll] = {};
    int scale[unroll] = {};  // 0 past the end
    int zero[unroll] = {};
#pragma unroll
    for (int i = 0; i < unroll; ++i) {
      const std::size_t vector = at + 32 * i;
      if (vector >= vectors) continue;
      loaded[i] = load_once(values + vector);
      scale[i] = scales[vector / block_vectors];
      zero[i] = zeros[vector / block_vectors];
    }
#pragma unroll
    for (int i = 0; i < unroll; ++i) {
      const int difference = product(loaded[i]) - zero[i] * factors_of_vector;
      total += static_cast<long long>(scale[i]) * difference;
    }
  }
  total = sum_of_warp(total);
  if (lane == 0) y[row] = total;
}

}  // namespace

void nested(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y,
            StreamHandle stream) {
  constexpr std::size_t rows_per_block = threads / 32;
  const std::size_t grid = (rows + rows_per_block - 1) / rows_per_block;
  nested_kernel<<<grid_size(grid), threads, 0, stream>>>(table, rows, blocks, y);
  require_success(cudaGetLastError(), "nested");
}

}  // namespace offload::kernels
