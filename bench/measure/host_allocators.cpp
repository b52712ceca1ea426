// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/host_allocators.hpp"

#include <bit>
#include <utility>

#include "bench/policies/described.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

TensorMemory host_memory(HostMemory kind, std::size_t bytes) {
  auto memory = std::make_shared<HostAllocation>(kind, bytes);
  return {memory->data(), memory};
}

HostAllocator of_kind(std::string name, Support support, HostMemory kind) {
  return {std::move(name), std::move(support), false, whole_pages,
          [kind](std::size_t bytes) { return host_memory(kind, bytes); }};
}

Support huge_pages(const Host& host) {
  const std::string& setting = host.transparent_hugepages;
  if (setting == "always" || setting == "madvise") return Support::yes();
  return Support::no("the kernel gives no transparent huge pages: their setting is " +
                     (setting.empty() ? "unknown" : setting));
}

HostAllocator powers_of_two(Support support) {
  return {"cudaHostAlloc, sizes rounded up to powers of two, as PyTorch", std::move(support), false,
          [](std::size_t bytes) { return whole_pages(std::bit_ceil(bytes)); },
          [](std::size_t bytes) { return host_memory(HostMemory::pinned, std::bit_ceil(bytes)); }};
}

HostAllocator vmm(const Platform& platform, Support support) {
  constexpr int no_numa = 0;  // what cuMemCreate wants where the system has no NUMA
  const int node = platform.gpu ? platform.gpu->memory_model.host_numa_id.value_or(no_numa) : 0;
  return {"cuMemCreate on the GPU's host NUMA node", std::move(support), false,
          [node](std::size_t bytes) {
            const std::size_t granule = cuda::vmm_host_granularity(node);
            return (bytes + granule - 1) / granule * granule;
          },
          [node](std::size_t bytes) -> TensorMemory {
            const cuda::VmmRange range = cuda::vmm_create_on_host(bytes, node);
            return {static_cast<std::byte*>(range.pointer),
                    {range.pointer, [range](const void*) { cuda::vmm_destroy(range); }}};
          }};
}

HostAllocator managed(Support support) {
  return {"cudaMallocManaged", std::move(support), true, whole_pages,
          [](std::size_t bytes) -> TensorMemory {
            auto memory = std::make_shared<cuda::ManagedBuffer>(bytes);
            return {memory->data(), memory};
          }};
}

}  // namespace

std::vector<HostAllocator> host_allocators(const Platform& platform) {
  const Support gpu = needs_gpu(platform);
  return {
      of_kind("malloc", Support::yes(), HostMemory::pageable),
      of_kind("malloc, 2 MiB pages advised", huge_pages(platform.host), HostMemory::huge_pages),
      of_kind("malloc + cudaHostRegister",
              needs(platform, &MemoryModel::host_register, "cudaHostRegister"),
              HostMemory::registered),
      of_kind("cudaHostAlloc mapped", gpu, HostMemory::pinned),
      of_kind("cudaHostAlloc mapped, write-combined", gpu, HostMemory::write_combined),
      powers_of_two(gpu),
      vmm(platform, needs(platform, &MemoryModel::host_numa_vmm, "cuMemCreate on host NUMA nodes")),
      managed(needs(platform, &MemoryModel::managed, "cudaMallocManaged")),
  };
}

}  // namespace offload
