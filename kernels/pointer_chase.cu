// SPDX-License-Identifier: Apache-2.0
// One thread follows a chain: the time of a step is the latency of one dependent read.
#include "kernels/launch.cuh"
#include "kernels/pointer_chase.hpp"

namespace offload::kernels {
namespace {

/// A system-scope load, which L1 may not serve.
__device__ std::uint64_t load_uncached(const std::byte* from) {
  std::uint64_t value;
  asm volatile("ld.relaxed.sys.global.u64 %0, [%1];" : "=l"(value) : "l"(from) : "memory");
  return value;
}

__global__ void pointer_chase_kernel(const std::byte* data, std::uint64_t start, std::size_t steps,
                                     std::uint64_t* out) {
  std::uint64_t offset = start;
  std::uint64_t sum = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    offset = load_uncached(data + offset);
    sum += offset;
  }
  out[0] = offset;
  out[1] = sum;
}

}  // namespace

void pointer_chase(const std::byte* data, std::uint64_t start, std::size_t steps,
                   std::uint64_t* out, StreamHandle stream) {
  pointer_chase_kernel<<<1, 1, 0, stream>>>(data, start, steps, out);
  require_success(cudaGetLastError(), "pointer_chase");
}

}  // namespace offload::kernels
