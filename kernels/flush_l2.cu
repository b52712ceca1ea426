// SPDX-License-Identifier: Apache-2.0
// Empties L2 of whatever other kernels left there, by reading something else.
#include "kernels/flush_l2.hpp"
#include "kernels/launch.cuh"
#include "kernels/sum.cuh"

namespace offload::kernels {
namespace {

constexpr int threads = 512;

/// Plain: lines read with L1::no_allocate, as load_once() reads, give way to plain ones. Twelve
/// times L2's size read so left 4 % of a weight of 448 MiB in it that cuBLAS had read (H200).
__device__ uint4 load_to_stay(const uint4* from) {
  uint4 value;
  asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}

__global__ void __launch_bounds__(threads)
    flush_l2_kernel(const uint4* filler, std::size_t vectors, unsigned long long* sum) {
  const std::size_t stride = std::size_t{gridDim.x} * threads;
  std::uint64_t total = 0;
  for (std::size_t at = std::size_t{blockIdx.x} * threads + threadIdx.x; at < vectors;
       at += stride) {
    total += words_of(load_to_stay(filler + at));
  }
  add_of_block(total, sum);
}

}  // namespace

void flush_l2(const std::byte* filler, std::size_t bytes, std::uint64_t* sum, StreamHandle stream) {
  static const int one_wave = resident_blocks(flush_l2_kernel, threads);
  flush_l2_kernel<<<grid_size(one_wave), threads, 0, stream>>>(
      reinterpret_cast<const uint4*>(filler), bytes / sizeof(uint4),
      reinterpret_cast<unsigned long long*>(sum));
  require_success(cudaGetLastError(), "flush_l2");
}

}  // namespace offload::kernels
