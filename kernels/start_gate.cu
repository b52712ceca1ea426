// SPDX-License-Identifier: Apache-2.0
// One thread that polls a word over the link.
#include "kernels/launch.cuh"
#include "kernels/start_gate.hpp"

namespace offload::kernels {
namespace {

__device__ std::uint64_t nanoseconds_now() {
  std::uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

__global__ void start_gate_kernel(const volatile std::uint32_t* opened, std::uint32_t turn,
                                  std::uint64_t hold) {
  // Turns come round after 2^32 of them: by how far ahead it is, not by which is greater.
  while (static_cast<std::int32_t>(*opened - turn) < 0) {
  }
  const std::uint64_t seen = nanoseconds_now();
  while (nanoseconds_now() - seen < hold) {
  }
}

}  // namespace

void start_gate(const std::uint32_t* opened, std::uint32_t turn, std::chrono::nanoseconds hold,
                StreamHandle stream) {
  start_gate_kernel<<<1, 1, 0, stream>>>(opened, turn, static_cast<std::uint64_t>(hold.count()));
  require_success(cudaGetLastError(), "start_gate");
}

}  // namespace offload::kernels
