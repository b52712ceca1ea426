// SPDX-License-Identifier: Apache-2.0
// Virtual memory management: the driver API, found at run time so that the binary starts on
// machines without libcuda.
#include <cuda.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <bit>

#include "bench/core/text.hpp"
#include "bench/cuda/check.hpp"
#include "bench/cuda/compat.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/rounding.hpp"

namespace offload::cuda {
namespace {

constexpr std::size_t large_page = std::size_t{2} << 20;

// CUresult and cudaError_t have had the same numbers since CUDA 10.1.
cudaError_t runtime_error(CUresult result) { return static_cast<cudaError_t>(result); }

void check_driver(CUresult result, const char* what) { check(runtime_error(result), what); }

template <typename Function>
Function* entry_point(const char* symbol) {
  return reinterpret_cast<Function*>(driver_function(symbol));
}

struct Driver {
  decltype(cuMemGetAllocationGranularity)* granularity =
      entry_point<decltype(cuMemGetAllocationGranularity)>("cuMemGetAllocationGranularity");
  decltype(cuMemCreate)* create = entry_point<decltype(cuMemCreate)>("cuMemCreate");
  decltype(cuMemRelease)* release = entry_point<decltype(cuMemRelease)>("cuMemRelease");
  decltype(cuMemAddressReserve)* reserve =
      entry_point<decltype(cuMemAddressReserve)>("cuMemAddressReserve");
  decltype(cuMemAddressFree)* unreserve =
      entry_point<decltype(cuMemAddressFree)>("cuMemAddressFree");
  decltype(cuMemMap)* map = entry_point<decltype(cuMemMap)>("cuMemMap");
  decltype(cuMemUnmap)* unmap = entry_point<decltype(cuMemUnmap)>("cuMemUnmap");
  decltype(cuMemSetAccess)* set_access = entry_point<decltype(cuMemSetAccess)>("cuMemSetAccess");
};

const Driver& driver() {
  static const Driver functions;
  return functions;
}

CUmemAllocationProp host_memory_on(int node) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_HOST_NUMA;
  properties.location.id = node;
  return properties;
}

CUmemAccessDesc read_write(CUmemLocationType type, int id) {
  CUmemAccessDesc access{};
  access.location.type = type;
  access.location.id = id;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  return access;
}

CUdeviceptr address(const void* pointer) { return std::bit_cast<CUdeviceptr>(pointer); }

}  // namespace

void* driver_function(const char* symbol) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult status{};
  check(compat::driver_entry_point(symbol, &function, &status), symbol);
  if (function == nullptr) fail(cudaErrorNotSupported, symbol, "update the NVIDIA driver");
  return function;
}

std::size_t vmm_host_granularity(int node) {
  const CUmemAllocationProp properties = host_memory_on(node);
  std::size_t bytes = 0;
  check_driver(driver().granularity(&bytes, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
               "cuMemGetAllocationGranularity");
  return bytes;
}

VmmRange vmm_create_on_host(std::size_t bytes, int node) {
  const std::size_t granularity = vmm_host_granularity(node);
  const CUmemAllocationProp properties = host_memory_on(node);
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");

  VmmRange range;
  range.bytes = round_up(bytes, granularity);
  CUmemGenericAllocationHandle handle = 0;
  if (const CUresult result = driver().create(&handle, range.bytes, &properties, 0);
      result != CUDA_SUCCESS) {
    fail(runtime_error(result),
         "cuMemCreate of " + format_size_rounded(range.bytes) + " on host NUMA node " +
             std::to_string(node),
         "free memory on that node or choose smaller weights");
  }
  range.handle = handle;
  try {
    // Aligned so that the GPU may map it with large pages.
    CUdeviceptr reserved = 0;
    check_driver(driver().reserve(&reserved, range.bytes, std::max(granularity, large_page), 0, 0),
                 "cuMemAddressReserve");
    range.pointer = std::bit_cast<void*>(reserved);
    check_driver(driver().map(reserved, range.bytes, 0, handle, 0), "cuMemMap");
    const std::array access{read_write(CU_MEM_LOCATION_TYPE_DEVICE, device),
                            read_write(CU_MEM_LOCATION_TYPE_HOST_NUMA, node)};
    check_driver(driver().set_access(reserved, range.bytes, access.data(), access.size()),
                 "cuMemSetAccess");
  } catch (...) {
    vmm_destroy(range);
    throw;
  }
  return range;
}

// Also undoes half of vmm_create_on_host: unmapping what is not mapped is an error without effect.
void vmm_destroy(const VmmRange& range) noexcept {
  if (range.pointer != nullptr) {
    (void)driver().unmap(address(range.pointer), range.bytes);
    (void)driver().unreserve(address(range.pointer), range.bytes);
  }
  if (range.handle != 0) (void)driver().release(range.handle);
}

}  // namespace offload::cuda
