// SPDX-License-Identifier: Apache-2.0
// CUDA's error codes as CudaError. For the sources behind offload/cuda/runtime.hpp alone.
#pragma once
#include <cuda_runtime_api.h>

#include <string>
#include <string_view>

namespace offload::cuda {

/// Throws CudaError "<what> failed: <description> (<code>); <remedy>" and clears the last error.
[[noreturn]] void fail(cudaError_t error, const std::string& what, std::string_view remedy = {});

inline void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) fail(error, what);
}

/// For destructors: a failure has nobody to go to, but must not surface in a later call either.
inline void forget(cudaError_t error) noexcept {
  if (error != cudaSuccess) (void)cudaGetLastError();
}

}  // namespace offload::cuda
