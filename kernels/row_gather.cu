// SPDX-License-Identifier: Apache-2.0
// Reads chunks of a tensor by a list of their offsets: what scattered access costs, by the size of
// what is read in one place.
#include <stdexcept>

#include "kernels/launch.cuh"
#include "kernels/load.cuh"
#include "kernels/row_gather.hpp"
#include "kernels/sum.cuh"

namespace offload::kernels {
namespace {

constexpr int threads = 512;
constexpr int unroll = 4;
constexpr std::size_t tile_bytes = 32 * sizeof(uint4);  // what a warp loads at once

/// Warps take the tiles of all chunks in turn, so that neighbours read one chunk side by side;
/// `unroll` tiles are in flight per warp. A chunk is 2^shift tiles.
__global__ void __launch_bounds__(threads)
    row_gather_kernel(const std::byte* data, const std::uint64_t* offsets, std::size_t tiles,
                      unsigned shift, unsigned long long* sum) {
  const unsigned lane = threadIdx.x % 32;
  const std::size_t warps = std::size_t{gridDim.x} * (threads / 32);
  const std::size_t warp = std::size_t{blockIdx.x} * (threads / 32) + threadIdx.x / 32;
  const std::size_t in_chunk = (std::size_t{1} << shift) - 1;

  std::uint64_t total = 0;
  for (std::size_t at = warp; at < tiles; at += warps * unroll) {
    uint4 loaded[unroll] = {};
#pragma unroll
    for (int i = 0; i < unroll; ++i) {
      const std::size_t tile = at + i * warps;
      if (tile >= tiles) continue;
      const std::byte* const chunk = data + offsets[tile >> shift];
      const std::byte* const from = chunk + (tile & in_chunk) * tile_bytes;
      loaded[i] = load_once(reinterpret_cast<const uint4*>(from) + lane);
    }
#pragma unroll
    for (int i = 0; i < unroll; ++i) total += words_of(loaded[i]);
  }
  add_of_block(total, sum);
}

}  // namespace

void row_gather(const std::byte* data, const std::uint64_t* offsets, std::size_t chunks,
                std::size_t chunk_bytes, std::uint64_t* sum, StreamHandle stream) {
  if (!is_aligned(data, sizeof(uint4))) {
    throw std::invalid_argument("row_gather: data is not 16-byte aligned");
  }
  if (chunk_bytes < tile_bytes || (chunk_bytes & (chunk_bytes - 1)) != 0) {
    throw std::invalid_argument("row_gather: chunks must be a power of two from 512 bytes");
  }
  unsigned shift = 0;
  while (tile_bytes << shift < chunk_bytes) ++shift;
  const std::size_t tiles = chunks << shift;
  constexpr std::size_t warps_per_block = threads / 32;
  static const int one_wave = resident_blocks(row_gather_kernel, threads);
  // Blocks that end early make room for others, as in stream_read.
  const std::size_t blocks =
      std::min(std::size_t{4} * one_wave, (tiles + warps_per_block - 1) / warps_per_block);
  row_gather_kernel<<<grid_size(blocks), threads, 0, stream>>>(
      data, offsets, tiles, shift, reinterpret_cast<unsigned long long*>(sum));
  require_success(cudaGetLastError(), "row_gather");
}

}  // namespace offload::kernels
