// SPDX-License-Identifier: Apache-2.0
// What every launcher needs: the size of the device, and whether the launch was accepted.
#pragma once
#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "offload/error.hpp"

namespace offload::kernels {

/// Throws CudaError naming `what` unless `error` is success.
inline void require_success(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  // An error of the request alone is gone once read; one that killed the context comes back.
  cudaGetLastError();
  const bool dead = cudaDeviceSynchronize() != cudaSuccess;
  throw CudaError(std::string(what) + ": " + cudaGetErrorString(error) + " (" +
                      cudaGetErrorName(error) + ")" +
                      (dead ? "; the GPU context is lost, start the program again" : ""),
                  dead, error == cudaErrorMemoryAllocation);
}

inline int multiprocessors() {
  int device = 0;
  int count = 0;
  require_success(cudaGetDevice(&device), "cudaGetDevice");
  require_success(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
                  "cudaDeviceGetAttribute");
  return count;
}

/// Blocks of `threads` threads of `kernel` that fill the current device once.
template <typename Kernel>
int resident_blocks(Kernel kernel, int threads) {
  int per_multiprocessor = 0;
  require_success(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_multiprocessor, kernel, threads, 0),
      "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return multiprocessors() * std::max(per_multiprocessor, 1);
}

/// `wanted` blocks, at least one and at most what a grid can have.
inline unsigned grid_size(std::size_t wanted) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  return static_cast<unsigned>(std::clamp(wanted, std::size_t{1}, most));
}

inline bool is_aligned(const void* pointer, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(pointer) % bytes == 0;
}

}  // namespace offload::kernels
