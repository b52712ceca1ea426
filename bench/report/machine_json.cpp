// SPDX-License-Identifier: Apache-2.0
// The machine in the results document.
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/platform/access_counters.hpp"
#include "bench/report/json_parts.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

Json unknown_json(const std::vector<Unknown>& unknown) {
  Json object = Json::object();
  for (const auto& [field, reason] : unknown) object[field] = reason;
  return object;
}

Json gpu_settings_json(const GpuSettings& settings) {
  return {{"serial", text_or_null<Json>(settings.serial)},
          {"ecc", or_null<Json>(settings.ecc)},
          {"mig", or_null<Json>(settings.mig)},
          {"persistence", or_null<Json>(settings.persistence)},
          {"compute_mode", text_or_null<Json>(settings.compute_mode)},
          {"power_limit_watts", or_null<Json>(settings.power_limit_watts)},
          {"enforced_power_limit_watts", or_null<Json>(settings.enforced_power_limit_watts)},
          {"default_power_limit_watts", or_null<Json>(settings.default_power_limit_watts)},
          {"sm_mhz", or_null<Json>(settings.sm_mhz)},
          {"max_sm_mhz", or_null<Json>(settings.max_sm_mhz)},
          {"application_sm_mhz", or_null<Json>(settings.application_sm_mhz)},
          {"memory_mhz", or_null<Json>(settings.memory_mhz)},
          {"max_memory_mhz", or_null<Json>(settings.max_memory_mhz)},
          {"application_memory_mhz", or_null<Json>(settings.application_memory_mhz)},
          {"throttled", or_null<Json>(settings.throttled)},
          {"temperature_celsius", or_null<Json>(settings.temperature_celsius)},
          {"bar1_bytes", or_null<Json>(settings.bar1_bytes)},
          {"addressing_mode", text_or_null<Json>(settings.addressing_mode)},
          {"numa_node", or_null<Json>(settings.numa_node)},
          {"confidential_compute", or_null<Json>(settings.confidential_compute)},
          {"unknown", unknown_json(settings.unknown)}};
}

Json pci_json(const PciDevice& device) {
  return {{"numa_node", or_null<Json>(device.numa_node)},
          {"generation", or_null<Json>(device.generation)},
          {"width", or_null<Json>(device.width)},
          {"port_generation", or_null<Json>(device.port_generation)},
          {"port_width", or_null<Json>(device.port_width)},
          {"iommu", text_or_null<Json>(device.iommu)},
          {"unknown", unknown_json(device.unknown)}};
}

Json access_counters_json(const Platform& platform) {
  const AccessCounters found = access_counters(platform);
  return {{"move_pages", or_null<Json>(found.move_pages)},
          {"reason", found.reason},
          {"threshold", or_null<Json>(found.threshold)}};
}

Json gpu_json(const Platform& platform) {
  const Gpu& gpu = *platform.gpu;
  const MemoryModel& model = gpu.memory_model;
  return {{"index", gpu.index},
          {"name", gpu.name},
          {"uuid", text_or_null<Json>(gpu.uuid)},
          {"pci_bus_id", text_or_null<Json>(gpu.pci_bus_id)},
          {"compute_capability", {{"major", gpu.compute_major}, {"minor", gpu.compute_minor}}},
          {"sm_count", gpu.sm_count},
          {"l2_bytes", gpu.l2_bytes},
          {"memory_bytes", gpu.memory_bytes},
          {"free_bytes", gpu.free_bytes},
          {"hbm_peak_bytes_per_second", or_null<Json>(gpu.hbm_peak_bytes_per_second)},
          {"driver_version", gpu.driver_version},
          {"runtime_version", gpu.runtime_version},
          {"driver_release", text_or_null<Json>(gpu.driver_release)},
          {"memory_mode", name(memory_mode(model))},
          {"access_counters", access_counters_json(platform)},
          {"memory_model",
           {{"managed", model.managed},
            {"concurrent_managed_access", model.concurrent_managed_access},
            {"pageable_memory_access", model.pageable_memory_access},
            {"pageable_memory_access_uses_host_page_tables",
             model.pageable_memory_access_uses_host_page_tables},
            {"direct_managed_access_from_host", model.direct_managed_access_from_host},
            {"host_native_atomics", model.host_native_atomics},
            {"host_register", model.host_register},
            {"host_register_read_only", model.host_register_read_only},
            {"host_numa_vmm", model.host_numa_vmm},
            {"host_numa_id", or_null<Json>(model.host_numa_id)},
            {"async_engines", or_null<Json>(model.async_engines)},
            {"host_pointer_for_registered_memory",
             or_null<Json>(model.host_pointer_for_registered_memory)},
            {"memory_pools", or_null<Json>(model.memory_pools)},
            {"host_numa_memory_pools", or_null<Json>(model.host_numa_memory_pools)},
            {"gpu_is_numa_node", or_null<Json>(model.gpu_is_numa_node)},
            {"gpu_numa_id", or_null<Json>(model.gpu_numa_id)},
            {"shares_host_memory", model.shares_host_memory}}},
          {"settings", gpu_settings_json(gpu.settings)},
          {"pci", pci_json(gpu.pci)}};
}

Json link_json(const Link& link) {
  return {{"kind", link.kind},
          {"generation", or_null<Json>(link.generation)},
          {"width", or_null<Json>(link.width)},
          {"current_generation", or_null<Json>(link.current_generation)},
          {"current_width", or_null<Json>(link.current_width)},
          {"peak_bytes_per_second", or_null<Json>(link.peak_bytes_per_second)},
          {"reason", text_or_null<Json>(link.reason)}};
}

Json peers_json(const std::vector<Peer>& peers) {
  Json list = Json::array();
  for (const Peer& peer : peers) {
    list.push_back({{"gpu", peer.index}, {"accessible", peer.accessible}});
  }
  return list;
}

Json numa_node_json(const NumaNode& node) {
  return {{"id", node.id},
          {"memory_bytes", node.memory_bytes},
          {"has_cpus", node.has_cpus()},
          {"gpu_memory", or_null<Json>(node.gpu_memory)},
          {"distances", node.distances}};
}

Json modules_json(const KernelModules& modules) {
  return {{"open", or_null<Json>(modules.open)},
          {"nvidia_uvm", named_texts<Json>(modules.uvm_parameters)},
          {"nvidia", named_texts<Json>(modules.driver_parameters)}};
}

Json locked_memory_json(const HostSettings& settings) {
  return settings.locked_memory_unlimited ? Json("unlimited")
                                          : or_null<Json>(settings.locked_memory_limit_bytes);
}

Json host_settings_json(const HostSettings& settings) {
  Json out = {
      {"sockets", or_null<Json>(settings.sockets)},
      {"nodes", Json::array()},
      {"cpu_nodes", or_null<Json>(settings.cpu_nodes)},
      {"memory_nodes", or_null<Json>(settings.memory_nodes)},
      {"transparent_hugepage_defrag", text_or_null<Json>(settings.transparent_hugepage_defrag)},
      {"hugepages", Json::array()},
      {"numa_balancing", or_null<Json>(settings.numa_balancing)},
      {"governor", text_or_null<Json>(settings.governor)},
      {"kernel_command_line", text_or_null<Json>(settings.kernel_command_line)},
      {"iommu_parameters", or_null<Json>(settings.iommu_parameters)},
      {"init_on_alloc", or_null<Json>(settings.init_on_alloc)},
      {"iommu_groups", or_null<Json>(settings.iommu_groups)},
      {"iommu_domains", settings.iommu_domains},
      {"locked_memory_limit_bytes", locked_memory_json(settings)},
      {"virtual_machine", or_null<Json>(settings.virtual_machine)},
      {"container", text_or_null<Json>(settings.container)},
      {"swap_bytes", or_null<Json>(settings.swap_bytes)},
      {"overcommit_memory", or_null<Json>(settings.overcommit_memory)},
      {"kernel_modules", modules_json(settings.modules)},
      {"ranks", named_texts<Json>(settings.ranks)},
      {"unknown", unknown_json(settings.unknown)}};
  for (const auto& node : settings.nodes) out["nodes"].push_back(numa_node_json(node));
  for (const auto& pages : settings.hugepages) {
    out["hugepages"].push_back({{"page_bytes", pages.page_bytes}, {"count", pages.count}});
  }
  return out;
}

Json host_json(const Host& host) {
  return {{"cpu", text_or_null<Json>(host.cpu)},
          {"architecture", host.architecture},
          {"kernel", text_or_null<Json>(host.kernel)},
          {"logical_cpus", host.logical_cpus},
          {"numa_nodes", host.numa_nodes},
          {"page_bytes", host.page_bytes},
          {"memory_bytes", host.memory_bytes},
          {"available_bytes", host.available_bytes},
          {"cgroup_limit_bytes", or_null<Json>(host.cgroup_limit_bytes)},
          {"cgroup_used_bytes", or_null<Json>(host.cgroup_used_bytes)},
          {"last_level_cache_bytes", or_null<Json>(host.last_level_cache_bytes)},
          {"transparent_hugepages", text_or_null<Json>(host.transparent_hugepages)},
          {"load_average", or_null<Json>(host.load_average)},
          {"bound_node", or_null<Json>(host.bound_node)},
          {"settings", host_settings_json(host.settings)}};
}

}  // namespace

JsonPart machine_json(const Platform& platform) {
  return Json{{"gpu", platform.gpu ? gpu_json(platform) : Json()},
              {"gpu_absent_reason", text_or_null<Json>(platform.gpu_absent_reason)},
              {"link", platform.link ? link_json(*platform.link) : Json()},
              {"peers", peers_json(platform.peers)},
              {"host", host_json(platform.host)},
              {"redacted", platform.redacted}};
}

}  // namespace offload
