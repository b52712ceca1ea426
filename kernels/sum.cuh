// SPDX-License-Identifier: Apache-2.0
// Sums of words: over a vector, a warp and a block. They show that every byte arrived.
#pragma once
#include <cstdint>

#include <cub/warp/warp_reduce.cuh>

namespace offload::kernels {

constexpr int max_threads = 1024;

__device__ inline std::uint64_t words_of(unsigned v) { return v; }
__device__ inline std::uint64_t words_of(uint2 v) { return std::uint64_t{v.x} + v.y; }
__device__ inline std::uint64_t words_of(uint4 v) {
  return (std::uint64_t{v.x} + v.y) + (std::uint64_t{v.z} + v.w);
}

/// Complete in lane 0.
template <typename T>
__device__ T sum_of_warp(T value) {
  using Reduce = cub::WarpReduce<T>;
  __shared__ typename Reduce::TempStorage unused;  // a warp exchanges registers
  return Reduce(unused).Sum(value);
}

/// *sum += the values of all threads of the block, which are whole warps and all take part. Not
/// cub::BlockReduce: it must know the number of threads when it is compiled.
__device__ inline void add_of_block(std::uint64_t value, unsigned long long* sum) {
  __shared__ std::uint64_t of_warp[max_threads / 32];
  value = sum_of_warp(value);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    value = sum_of_warp(threadIdx.x < blockDim.x / 32 ? of_warp[threadIdx.x] : std::uint64_t{0});
    if (threadIdx.x == 0) atomicAdd(sum, static_cast<unsigned long long>(value));
  }
}

}  // namespace offload::kernels
