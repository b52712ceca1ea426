// SPDX-License-Identifier: Apache-2.0
// What differs between CUDA 12 and 13, and nothing else. What one of them lacks is named in
// templates only, by arguments of a type that is always a template parameter: then a name is looked
// up only where it exists.
#pragma once
#include <cuda_runtime_api.h>

#include "offload/cuda/runtime.hpp"

struct cudaMemcpyAttributes;  // defined from CUDA 12.8 on

namespace offload::cuda::compat {

inline int device_number(Processor processor, int gpu) {
  return processor == Processor::gpu ? gpu : cudaCpuDeviceId;
}

inline cudaMemLocation location(Location at, int gpu) {
  cudaMemLocation result{};
  if (at.processor == Processor::gpu) {
    result.type = cudaMemLocationTypeDevice;
    result.id = gpu;
  } else if (at.node) {
    result.type = cudaMemLocationTypeHostNuma;
    result.id = *at.node;
  } else {
    result.type = cudaMemLocationTypeHost;
  }
  return result;
}

/// CUDA 12 takes a device number, and a location only by a function of its own, which drivers
/// before 12.2 lack. `Advise` is always cudaMemoryAdvise.
template <typename Advise>
cudaError_t mem_advise(const void* pointer, std::size_t bytes, Advise advice, Location at,
                       int gpu) {
  const cudaMemLocation where = location(at, gpu);
  if constexpr (requires { cudaMemAdvise(pointer, bytes, advice, where); }) {
    return cudaMemAdvise(pointer, bytes, advice, where);
  } else {
    if (at.node) return cudaMemAdvise_v2(pointer, bytes, advice, where);
    return cudaMemAdvise(pointer, bytes, advice, device_number(at.processor, gpu));
  }
}

/// Likewise. `Stream` is always cudaStream_t.
template <typename Stream>
cudaError_t mem_prefetch(const void* pointer, std::size_t bytes, Location to, int gpu,
                         Stream stream) {
  const cudaMemLocation where = location(to, gpu);
  if constexpr (requires { cudaMemPrefetchAsync(pointer, bytes, where, 0, stream); }) {
    return cudaMemPrefetchAsync(pointer, bytes, where, 0, stream);
  } else {
    if (to.node) return cudaMemPrefetchAsync_v2(pointer, bytes, where, 0, stream);
    return cudaMemPrefetchAsync(pointer, bytes, device_number(to.processor, gpu), stream);
  }
}

/// `Stream` is always cudaStream_t.
template <typename Stream>
cudaError_t mem_prefetch_batch(PrefetchBatch& batch, Location to, int gpu, Stream stream) {
  void** const pointers = batch.pointers.data();
  std::size_t* const bytes = batch.bytes.data();
  const std::size_t count = batch.bytes.size();
  cudaMemLocation where = location(to, gpu);
  std::size_t first = 0;
  if constexpr (requires {
                  cudaMemPrefetchBatchAsync(pointers, bytes, count, &where, &first, 1, 0, stream);
                }) {
    return cudaMemPrefetchBatchAsync(pointers, bytes, count, &where, &first, 1, 0, stream);
  } else {
    cudaError_t status = cudaSuccess;
    for (std::size_t i = 0; i < count && status == cudaSuccess; ++i) {
      status = mem_prefetch(pointers[i], bytes[i], to, gpu, stream);
    }
    return status;
  }
}

/// CUDA 13 dropped the number of the copy that failed. `Attributes` is always cudaMemcpyAttributes,
/// `Stream` cudaStream_t.
template <typename Attributes = cudaMemcpyAttributes, typename Stream>
cudaError_t memcpy_batch(CopyBatch& batch, Stream stream) {
  if constexpr (requires(Attributes known) { known.srcAccessOrder; }) {
    void** const to = batch.to.data();
    void** const from = batch.from.data();
    std::size_t* const bytes = batch.bytes.data();
    const std::size_t count = batch.bytes.size();
    Attributes attributes{};
    // cudaMemcpySrcAccessOrderStream
    attributes.srcAccessOrder = static_cast<decltype(attributes.srcAccessOrder)>(1);
    std::size_t first = 0;
    if constexpr (requires {
                    cudaMemcpyBatchAsync(to, from, bytes, count, &attributes, &first, 1, stream);
                  }) {
      return cudaMemcpyBatchAsync(to, from, bytes, count, &attributes, &first, 1, stream);
    } else {
      std::size_t failed = 0;
      return cudaMemcpyBatchAsync(to, from, bytes, count, &attributes, &first, 1, &failed, stream);
    }
  } else {
    return cudaErrorNotSupported;
  }
}

/// The address of a driver function in its CUDA 12.0 form. cudaGetDriverEntryPoint is deprecated in
/// 13, its successor absent before 12.5. `Status` is always cudaDriverEntryPointQueryResult.
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
