// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/probe.hpp"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "bench/cuda/check.hpp"
#include "bench/cuda/compat.hpp"
#include "bench/platform/memory_model.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// 0 where the driver does not know the attribute.
int attribute(cudaDeviceAttr id, int device) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, id, device) == cudaSuccess) return value;
  (void)cudaGetLastError();
  return 0;
}

/// nullopt where the driver does not know it.
std::optional<int> driver_attribute(int id, int device) {
  int value = 0;
  using Query = CUresult(int*, CUdevice_attribute, CUdevice);
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const cudaError_t status =
      cuda::compat::driver_entry_point("cuDeviceGetAttribute", &function, &found);
  if (status != cudaSuccess || found != cudaDriverEntryPointSuccess) return std::nullopt;
  // The ordinal of a device and its CUdevice are the same number.
  const CUresult asked =
      reinterpret_cast<Query*>(function)(&value, static_cast<CUdevice_attribute>(id), device);
  if (asked != CUDA_SUCCESS) return std::nullopt;
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

std::optional<double> hbm_peak(int device) {
  const double clock_hz = 1e3 * attribute(cudaDevAttrMemoryClockRate, device);
  const double bus_bytes = attribute(cudaDevAttrGlobalMemoryBusWidth, device) / 8.0;
  if (clock_hz <= 0 || bus_bytes <= 0) return std::nullopt;
  return 2 * clock_hz * bus_bytes;  // two transfers per clock
}

}  // namespace

GpuProbe probe_gpu(int index) {
  GpuProbe probe;
  if (auto reason = cuda::unavailable(index)) {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0 && (index < 0 || index >= count)) {
      throw UsageError(no_such_gpu("--gpu " + std::to_string(index), count));
    }
    (void)cudaGetLastError();
    probe.absent_reason = std::move(*reason);
    return probe;
  }

  cudaDeviceProp properties{};
  cuda::check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");

  Gpu gpu;
  gpu.index = index;
  gpu.name = properties.name;
  gpu.uuid = uuid_text(properties.uuid);
  std::array<char, 32> bus_id{};
  cuda::check(cudaDeviceGetPCIBusId(bus_id.data(), static_cast<int>(bus_id.size()), index),
              "cudaDeviceGetPCIBusId");
  gpu.pci_bus_id = bus_id.data();
  gpu.compute_major = properties.major;
  gpu.compute_minor = properties.minor;
  gpu.sm_count = attribute(cudaDevAttrMultiProcessorCount, index);
  gpu.l2_bytes = static_cast<std::size_t>(attribute(cudaDevAttrL2CacheSize, index));
  gpu.hbm_peak_bytes_per_second = hbm_peak(index);
  cuda::check(cudaMemGetInfo(&gpu.free_bytes, &gpu.memory_bytes), "cudaMemGetInfo");
  cuda::check(cudaDriverGetVersion(&gpu.driver_version), "cudaDriverGetVersion");
  cuda::check(cudaRuntimeGetVersion(&gpu.runtime_version), "cudaRuntimeGetVersion");
  gpu.memory_model =
      read_memory_model([index](int number) { return driver_attribute(number, index); });
  constexpr int first_with_batches = 12080;
  gpu.memory_model.batched_copies =
      std::min(gpu.driver_version, gpu.runtime_version) >= first_with_batches;
  probe.gpu = std::move(gpu);
  return probe;
}

}  // namespace offload
