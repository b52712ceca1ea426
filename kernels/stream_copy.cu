// SPDX-License-Identifier: Apache-2.0
// Vectors of 16 bytes from one place to another, so many in flight per thread that neither side
// waits.
#include <stdexcept>

#include "kernels/launch.cuh"
#include "kernels/load.cuh"
#include "kernels/stream_copy.hpp"

namespace offload::kernels {
namespace {

constexpr int threads = 512;
constexpr int unroll = 4;

__global__ void __launch_bounds__(threads)
    stream_copy_kernel(const uint4* __restrict__ from, uint4* __restrict__ to,
                       std::size_t vectors) {
  const std::size_t tile = std::size_t{threads} * unroll;
  const std::size_t round = tile * gridDim.x;
  for (std::size_t at = blockIdx.x * tile + threadIdx.x; at < vectors; at += round) {
    uint4 loaded[unroll];
#pragma unroll
    for (int i = 0; i < unroll; ++i) {
      if (at + i * threads < vectors) loaded[i] = load_once(from + at + i * threads);
    }
#pragma unroll
    for (int i = 0; i < unroll; ++i) {
      if (at + i * threads < vectors) to[at + i * threads] = loaded[i];
    }
  }
}

}  // namespace

void stream_copy(const std::byte* from, std::byte* to, std::size_t bytes, StreamHandle stream,
                 int blocks) {
  if (bytes % sizeof(uint4) != 0 || !is_aligned(from, sizeof(uint4)) ||
      !is_aligned(to, sizeof(uint4)) || blocks < 0) {
    throw std::invalid_argument("stream_copy: needs whole, aligned vectors of 16 bytes");
  }
  if (bytes == 0) return;
  static const int one_wave = resident_blocks(stream_copy_kernel, threads);
  const auto grid = static_cast<std::size_t>(blocks == 0 ? one_wave : blocks);
  stream_copy_kernel<<<grid_size(grid), threads, 0, stream>>>(
      reinterpret_cast<const uint4*>(from), reinterpret_cast<uint4*>(to), bytes / sizeof(uint4));
  require_success(cudaGetLastError(), "stream_copy");
}

}  // namespace offload::kernels
