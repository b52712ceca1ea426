// SPDX-License-Identifier: Apache-2.0
// What differs between CUDA 12.4 and 13: the only place that asks for the toolkit's version.
#pragma once
#include <cuda_runtime_api.h>

namespace offload::cuda {

/// A function of the driver API, found at run time so that the binary starts without a driver;
/// nullptr when the driver does not have it. `since` is the CUDA version of the signature wanted.
inline void* driver_entry_point(const char* name, [[maybe_unused]] unsigned int since) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
#if CUDART_VERSION >= 12050
  const cudaError_t status =
      cudaGetDriverEntryPointByVersion(name, &function, since, cudaEnableDefault, &found);
#else
  const cudaError_t status = cudaGetDriverEntryPoint(name, &function, cudaEnableDefault, &found);
#endif
  const bool usable = status == cudaSuccess && found == cudaDriverEntryPointSuccess;
  return usable ? function : nullptr;
}

}  // namespace offload::cuda
