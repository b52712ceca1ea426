// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/memory_model.hpp"

namespace offload {
namespace {

/// CUdevice_attribute of cuda.h; by number, because not every toolkit names them all.
enum Attribute : int {
  integrated = 18,
  async_engine_count = 40,
  managed_memory = 83,
  host_native_atomic_supported = 86,
  pageable_memory_access = 88,
  concurrent_managed_access = 89,
  can_use_host_pointer_for_registered_mem = 91,
  host_register_supported = 99,
  pageable_memory_access_uses_host_page_tables = 100,
  direct_managed_mem_access_from_host = 101,
  read_only_host_register_supported = 113,
  memory_pools_supported = 115,
  numa_config = 130,
  numa_id = 131,
  host_numa_id = 134,
  host_numa_virtual_memory_management_supported = 141,
  host_numa_memory_pools_supported = 142,
};

}  // namespace

MemoryModel read_memory_model(const DeviceAttributes& attribute) {
  const auto flag = [&](Attribute number) -> std::optional<bool> {
    const auto value = attribute(number);
    if (!value) return std::nullopt;
    return *value != 0;
  };
  const auto offers = [&](Attribute number) { return flag(number).value_or(false); };
  MemoryModel model;
  model.managed = offers(managed_memory);
  model.concurrent_managed_access = offers(concurrent_managed_access);
  model.pageable_memory_access = offers(pageable_memory_access);
  model.pageable_memory_access_uses_host_page_tables =
      offers(pageable_memory_access_uses_host_page_tables);
  model.direct_managed_access_from_host = offers(direct_managed_mem_access_from_host);
  model.host_native_atomics = offers(host_native_atomic_supported);
  model.host_register = offers(host_register_supported);
  model.host_register_read_only = offers(read_only_host_register_supported);
  model.host_numa_vmm = offers(host_numa_virtual_memory_management_supported);
  model.shares_host_memory = offers(integrated);
  const auto node = attribute(host_numa_id);
  if (node && *node >= 0) model.host_numa_id = node;  // -1: no NUMA
  model.async_engines = attribute(async_engine_count);
  model.host_pointer_for_registered_memory = flag(can_use_host_pointer_for_registered_mem);
  model.memory_pools = flag(memory_pools_supported);
  model.host_numa_memory_pools = flag(host_numa_memory_pools_supported);
  model.gpu_is_numa_node = flag(numa_config);
  if (model.gpu_is_numa_node.value_or(false)) model.gpu_numa_id = attribute(numa_id);
  return model;
}

}  // namespace offload
