// SPDX-License-Identifier: Apache-2.0
// What differs between CUDA 12 and 13, and nothing else. Each call passes CUDA's function in and
// lets its type choose: a device number in CUDA 12 became a cudaMemLocation in 13.
#pragma once
#include <cuda_runtime_api.h>

#include "offload/cuda/runtime.hpp"

namespace offload::cuda::compat {

inline int device_number(Processor processor, int gpu) {
  return processor == Processor::gpu ? gpu : cudaCpuDeviceId;
}

inline cudaMemLocation location(Processor processor, int gpu) {
  cudaMemLocation result{};
  result.type = processor == Processor::gpu ? cudaMemLocationTypeDevice : cudaMemLocationTypeHost;
  result.id = processor == Processor::gpu ? gpu : 0;
  return result;
}

using Advise12 = cudaError_t(const void*, std::size_t, cudaMemoryAdvise, int);
using Advise13 = cudaError_t(const void*, std::size_t, cudaMemoryAdvise, cudaMemLocation);

inline cudaError_t mem_advise(Advise12* call, const void* pointer, std::size_t bytes,
                              cudaMemoryAdvise advice, Processor processor, int gpu) {
  return call(pointer, bytes, advice, device_number(processor, gpu));
}
inline cudaError_t mem_advise(Advise13* call, const void* pointer, std::size_t bytes,
                              cudaMemoryAdvise advice, Processor processor, int gpu) {
  return call(pointer, bytes, advice, location(processor, gpu));
}

using Prefetch12 = cudaError_t(const void*, std::size_t, int, cudaStream_t);
using Prefetch13 = cudaError_t(const void*, std::size_t, cudaMemLocation, unsigned, cudaStream_t);

inline cudaError_t mem_prefetch(Prefetch12* call, const void* pointer, std::size_t bytes,
                                Processor to, int gpu, cudaStream_t stream) {
  return call(pointer, bytes, device_number(to, gpu), stream);
}
inline cudaError_t mem_prefetch(Prefetch13* call, const void* pointer, std::size_t bytes,
                                Processor to, int gpu, cudaStream_t stream) {
  return call(pointer, bytes, location(to, gpu), 0, stream);
}

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

}  // namespace offload::cuda::compat
