// SPDX-License-Identifier: Apache-2.0
#include "bench/machines/read_platform.hpp"

#include <algorithm>

namespace offload {
namespace {

MemoryModel read_memory_model(const Fields& fields) {
  const auto flag = [&](std::string_view name) { return fields.flag(name).value_or(false); };
  MemoryModel model;
  model.managed = flag("managed");
  model.concurrent_managed_access = flag("concurrent_managed_access");
  model.pageable_memory_access = flag("pageable_memory_access");
  model.pageable_memory_access_uses_host_page_tables =
      flag("pageable_memory_access_uses_host_page_tables");
  model.direct_managed_access_from_host = flag("direct_managed_access_from_host");
  model.host_native_atomics = flag("host_native_atomics");
  model.host_register = flag("host_register");
  model.host_register_read_only = flag("host_register_read_only");
  model.host_numa_vmm = flag("host_numa_vmm");
  model.host_numa_id = fields.integer("host_numa_id");
  model.async_engines = fields.integer("async_engines");
  model.host_pointer_for_registered_memory = fields.flag("host_pointer_for_registered_memory");
  model.memory_pools = fields.flag("memory_pools");
  model.host_numa_memory_pools = fields.flag("host_numa_memory_pools");
  model.gpu_is_numa_node = fields.flag("gpu_is_numa_node");
  model.gpu_numa_id = fields.integer("gpu_numa_id");
  model.shares_host_memory = fields.flag("shares_host_memory").value_or(false);
  return model;
}

Gpu read_gpu(const Fields& fields) {
  Gpu gpu;
  gpu.index = fields.integer("index").value_or(0);
  gpu.name = fields.text("name");
  gpu.uuid = fields.text("uuid");
  gpu.pci_bus_id = fields.text("pci_bus_id");
  if (const auto capability = fields.object("compute_capability")) {
    gpu.compute_major = capability->integer("major").value_or(0);
    gpu.compute_minor = capability->integer("minor").value_or(0);
  }
  gpu.sm_count = fields.integer("sm_count").value_or(0);
  gpu.l2_bytes = fields.size("l2_bytes").value_or(0);
  gpu.memory_bytes = fields.size("memory_bytes").value_or(0);
  gpu.free_bytes = fields.size("free_bytes").value_or(0);
  gpu.hbm_peak_bytes_per_second = fields.amount("hbm_peak_bytes_per_second");
  gpu.driver_version = fields.integer("driver_version").value_or(0);
  gpu.runtime_version = fields.integer("runtime_version").value_or(0);
  gpu.driver_release = fields.text("driver_release");
  if (const auto model = fields.object("memory_model")) {
    gpu.memory_model = read_memory_model(*model);
  }
  constexpr int first_with_batches = 12080;  // results do not say it otherwise
  gpu.memory_model.batched_copies =
      std::min(gpu.driver_version, gpu.runtime_version) >= first_with_batches;
  return gpu;
}

Link read_link(const Fields& fields) {
  Link link;
  link.kind = fields.text("kind");
  link.generation = fields.integer("generation");
  link.width = fields.integer("width");
  link.current_generation = fields.integer("current_generation");
  link.current_width = fields.integer("current_width");
  link.peak_bytes_per_second = fields.amount("peak_bytes_per_second");
  link.reason = fields.text("reason");
  return link;
}

Host read_host(const Fields& fields) {
  Host host;
  host.cpu = fields.text("cpu");
  host.architecture = fields.text("architecture");
  host.kernel = fields.text("kernel");
  host.logical_cpus = fields.integer("logical_cpus").value_or(0);
  host.numa_nodes = fields.integer("numa_nodes").value_or(1);
  host.page_bytes = fields.size("page_bytes").value_or(0);
  host.memory_bytes = fields.size("memory_bytes").value_or(0);
  host.available_bytes = fields.size("available_bytes").value_or(0);
  host.cgroup_limit_bytes = fields.size("cgroup_limit_bytes");
  host.cgroup_used_bytes = fields.size("cgroup_used_bytes");
  host.last_level_cache_bytes = fields.size("last_level_cache_bytes");
  host.transparent_hugepages = fields.text("transparent_hugepages");
  return host;
}

}  // namespace

Platform read_platform(const Fields& fields) {
  Platform platform;
  if (const auto gpu = fields.object("gpu")) platform.gpu = read_gpu(*gpu);
  platform.gpu_absent_reason = fields.text("gpu_absent_reason");
  if (const auto link = fields.object("link")) platform.link = read_link(*link);
  if (const auto host = fields.object("host")) platform.host = read_host(*host);
  platform.redacted = fields.flag("redacted").value_or(false);
  return platform;
}

MemoryModel usual_memory_model(bool coherent, bool one_memory) {
  MemoryModel model;
  model.managed = model.concurrent_managed_access = true;
  // GB10 does not: antirez/ds4 pull request 158.
  model.host_register = !one_memory;
  model.shares_host_memory = one_memory;
  model.host_numa_vmm = model.batched_copies = true;
  model.pageable_memory_access = model.pageable_memory_access_uses_host_page_tables = coherent;
  model.direct_managed_access_from_host = model.host_native_atomics = coherent;
  return model;
}

}  // namespace offload
