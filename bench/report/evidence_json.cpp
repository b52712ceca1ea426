// SPDX-License-Identifier: Apache-2.0
#include "bench/report/evidence_json.hpp"

#include <string>

#include "bench/report/evidence_figures.hpp"
#include "bench/report/json_values.hpp"

namespace offload {
namespace {

using json_values::Json;
using json_values::or_null;
using json_values::text_or_null;

Json bytes_json(const BytesByCause& bytes) {
  return {{"fault", bytes.fault},
          {"around_fault", bytes.around_fault},
          {"prefetch", bytes.prefetch},
          {"eviction", bytes.eviction},
          {"access_counters", bytes.access_counters},
          {"other", bytes.other},
          {"total", bytes.total()}};
}

Json figures_json(const UmTraffic& traffic) {
  return {{"to_device", bytes_json(traffic.to_device)},
          {"to_host", bytes_json(traffic.to_host)},
          {"gpu_fault_groups", traffic.gpu_fault_groups},
          {"cpu_faults", traffic.cpu_faults},
          {"remote_maps", traffic.remote_maps},
          {"thrashing", traffic.thrashing},
          {"throttling", traffic.throttling},
          {"bytes_read", traffic.bytes_read}};
}

Json figures_json(const CpuTime& cpu) {
  Json threads = Json::object();
  for (const auto& [thread, seconds] : cpu.threads) {
    // Two threads may bear one name.
    threads[thread] = seconds + threads.value(thread, 0.0);
  }
  return {{"process_s", cpu.process},
          {"driver_s", or_null(cpu.driver)},
          {"threads", std::move(threads)}};
}

Json figures_json(const LinkTraffic& link) {
  return {{"wire_bytes_to_device", link.wire_to_device},
          {"wire_bytes_to_host", link.wire_to_host},
          {"payload_bytes_to_device", or_null(link.payload_to_device)}};
}

Json figures_json(const Energy& energy) {
  return {{"joules_per_pass", energy.joules}, {"watts", energy.watts}, {"over_s", energy.seconds}};
}

Json figures_json(const PageFaults& faults) {
  return {{"minor", faults.minor}, {"major", faults.major}};
}

Json figures_json(const Residency& residency) {
  Json nodes = Json::object();
  for (const auto& [node, pages] : residency.on_node) nodes[std::to_string(node)] = pages;
  return {{"pages_asked", residency.pages_asked},
          {"not_on_cpu", residency.not_on_cpu},
          {"on_node", std::move(nodes)},
          {"last_prefetch", text_or_null(residency.last_prefetch)}};
}

Json figures_json(const GpuState& gpu) {
  return {{"sm_mhz_before", or_null(gpu.sm_mhz_before)},
          {"sm_mhz_after", or_null(gpu.sm_mhz_after)},
          {"memory_mhz_after", or_null(gpu.memory_mhz_after)},
          {"throttled_before", or_null(gpu.throttled_before)},
          {"throttled_after", or_null(gpu.throttled_after)},
          {"pcie_generation", or_null(gpu.pcie_generation)},
          {"pcie_width", or_null(gpu.pcie_width)},
          {"c2c_links", or_null(gpu.c2c_links)}};
}

Json figures_json(const std::vector<UmTraffic>& passes) {
  Json list = Json::array();
  for (const UmTraffic& traffic : passes) list.push_back(figures_json(traffic));
  return {{"passes", std::move(list)}};
}

/// The state, why, and the figures where there are any.
template <typename T>
Json found_json(const Observed<T>& found) {
  Json json = {{"state", name(found.state)}, {"reason", text_or_null(found.reason)}};
  if (found.value) json.update(figures_json(*found.value));
  return json;
}

}  // namespace

Json evidence_json(const CaseRecord& record) {
  const Evidence& evidence = record.evidence;
  return {{"um", found_json(evidence.um)},
          {"cpu", found_json(evidence.cpu)},
          {"link", found_json(evidence.link)},
          {"energy", found_json(evidence.energy)},
          {"page_faults", found_json(evidence.page_faults)},
          {"residency", found_json(evidence.residency)},
          {"gpu", found_json(evidence.gpu)},
          {"passes", evidence.passes},
          {"amplification", or_null(amplification(record))},
          {"driver_cpu_s_per_gb", or_null(driver_cpu_per_gb(record))},
          {"process_cpu_s_per_gb", or_null(process_cpu_per_gb(record))},
          {"joules_per_gb", or_null(joules_per_gb(record))},
          {"link_payload_per_requested", or_null(link_payload_ratio(record))}};
}

Json setup_json(const CaseRecord& record) {
  const auto figures = setup_figures(record);
  if (!figures) return nullptr;
  return {{"median_s", figures->setup},
          {"read_median_s", figures->read},
          {"samples_s", record.setup_samples}};
}

Json series_json(const CaseRecord& record) {
  if (!record.series) return nullptr;
  const PassSeries& series = *record.series;
  const bool visible = !series.driver_seconds.empty();
  return {{"pass_s", series.seconds},
          {"driver_s", visible ? Json(series.driver_seconds) : Json()},
          {"distinct_bytes", series.distinct_bytes},
          {"um", found_json(series.um)}};
}

}  // namespace offload
