// SPDX-License-Identifier: Apache-2.0
// Functions of the CUDA driver, found at run time so that the binary starts on machines without
// libcuda. For files that see CUDA.
#pragma once
#include <cuda_runtime_api.h>

namespace offload::cuda {

/// The address of a driver function in its CUDA 12.0 form. cudaGetDriverEntryPoint is deprecated in
/// 13, its successor absent before 12.5. `Status` is always cudaDriverEntryPointQueryResult: being
/// a template parameter, it makes the name of the successor be looked up only where it exists.
template <typename Status>
cudaError_t driver_entry_point(const char* symbol, void** function, Status* status) {
  constexpr unsigned version = 12000;
  if constexpr (requires {
                  cudaGetDriverEntryPointByVersion(symbol, function, version, cudaEnableDefault,
                                                   status);
                }) {
    return cudaGetDriverEntryPointByVersion(symbol, function, version, cudaEnableDefault, status);
  } else {
    return cudaGetDriverEntryPoint(symbol, function, cudaEnableDefault, status);
  }
}

}  // namespace offload::cuda
