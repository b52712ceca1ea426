// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/gpu.hpp"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <array>
#include <cstdio>

#include "bench/cuda/compat.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();
  throw CudaError(std::string(call) + ": " + cudaGetErrorString(status) +
                      "; the GPU cannot be described, see whether nvidia-smi can",
                  false, status == cudaErrorMemoryAllocation);
}

/// 0 where the driver does not know the attribute.
int attribute(cudaDeviceAttr id, int device) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, id, device) == cudaSuccess) return value;
  (void)cudaGetLastError();
  return 0;
}

/// For attributes that not every runtime names; nullopt where the driver does not know it.
std::optional<int> driver_attribute(int id, int device) {
  int value = 0;
  using Query = CUresult(int*, CUdevice_attribute, CUdevice);
  const auto query =
      reinterpret_cast<Query*>(cuda::driver_entry_point("cuDeviceGetAttribute", 2000));
  if (query == nullptr) return std::nullopt;
  // The ordinal of a device and its CUdevice are the same number.
  if (query(&value, static_cast<CUdevice_attribute>(id), device) != CUDA_SUCCESS) {
    return std::nullopt;
  }
  return value;
}

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU";
  for (std::size_t i = 0; i < sizeof uuid.bytes; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x",
                  static_cast<unsigned int>(static_cast<unsigned char>(uuid.bytes[i])));
    text += digits.data();
  }
  return text;
}

MemoryModel read_memory_model(int device) {
  MemoryModel model;
  model.managed = attribute(cudaDevAttrManagedMemory, device) != 0;
  model.concurrent_managed_access = attribute(cudaDevAttrConcurrentManagedAccess, device) != 0;
  model.pageable_memory_access = attribute(cudaDevAttrPageableMemoryAccess, device) != 0;
  model.pageable_memory_access_uses_host_page_tables =
      attribute(cudaDevAttrPageableMemoryAccessUsesHostPageTables, device) != 0;
  model.direct_managed_access_from_host =
      attribute(cudaDevAttrDirectManagedMemAccessFromHost, device) != 0;
  model.host_native_atomics = attribute(cudaDevAttrHostNativeAtomicSupported, device) != 0;
  model.host_register = attribute(cudaDevAttrHostRegisterSupported, device) != 0;
  // CU_DEVICE_ATTRIBUTE_HOST_NUMA_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED and ..._HOST_NUMA_ID, by
  // number because the older toolkits do not name them all.
  model.host_numa_vmm = driver_attribute(141, device).value_or(0) != 0;
  const auto node = driver_attribute(134, device);
  if (node && *node >= 0) model.host_numa_id = node;  // -1: no NUMA
  return model;
}

std::optional<double> hbm_peak(int device) {
  const double clock_hz = 1e3 * attribute(cudaDevAttrMemoryClockRate, device);
  const double bus_bytes = attribute(cudaDevAttrGlobalMemoryBusWidth, device) / 8.0;
  if (clock_hz <= 0 || bus_bytes <= 0) return std::nullopt;
  return 2 * clock_hz * bus_bytes;  // two transfers per clock
}

}  // namespace

GpuProbe probe_gpu(int index) {
  GpuProbe probe;
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    (void)cudaGetLastError();
    probe.absent_reason = status == cudaSuccess ? "no CUDA device" : cudaGetErrorString(status);
    return probe;
  }
  if (index < 0 || index >= count) throw UsageError(no_such_gpu(index, count));

  check(cudaSetDevice(index), "cudaSetDevice");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");

  Gpu gpu;
  gpu.index = index;
  gpu.name = properties.name;
  gpu.uuid = uuid_text(properties.uuid);
  std::array<char, 32> bus_id{};
  check(cudaDeviceGetPCIBusId(bus_id.data(), static_cast<int>(bus_id.size()), index),
        "cudaDeviceGetPCIBusId");
  gpu.pci_bus_id = bus_id.data();
  gpu.compute_major = properties.major;
  gpu.compute_minor = properties.minor;
  gpu.sm_count = attribute(cudaDevAttrMultiProcessorCount, index);
  gpu.l2_bytes = static_cast<std::size_t>(attribute(cudaDevAttrL2CacheSize, index));
  gpu.hbm_peak_bytes_per_second = hbm_peak(index);
  check(cudaMemGetInfo(&gpu.free_bytes, &gpu.memory_bytes), "cudaMemGetInfo");
  check(cudaDriverGetVersion(&gpu.driver_version), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&gpu.runtime_version), "cudaRuntimeGetVersion");
  gpu.memory_model = read_memory_model(index);
  probe.integrated = attribute(cudaDevAttrIntegrated, index) != 0;
  probe.gpu = std::move(gpu);
  return probe;
}

}  // namespace offload
