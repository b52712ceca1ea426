// SPDX-License-Identifier: Apache-2.0
// Evidence of cases over 100 MB, in round numbers.
#include "tests/unit/synthetic_run.hpp"

namespace offload::testing {
namespace {

constexpr std::size_t weight_bytes = 100'000'000;

Residency pages(std::size_t not_on_cpu, std::size_t on_node) {
  return {2000, not_on_cpu, {}, {{0, on_node}}, ""};
}

GpuState gpu_state() {
  GpuState gpu;
  gpu.sm_mhz_before = 1200;
  gpu.sm_mhz_after = 1980;
  gpu.memory_mhz_before = gpu.memory_mhz_after = 3201;
  gpu.throttled_before = std::vector<std::string>();
  gpu.throttled_after = std::vector<std::string>{"power cap"};
  gpu.pcie_generation = 5;
  gpu.pcie_width = 16;
  return gpu;
}

}  // namespace

void add_zero_copy_evidence(CaseRecord& record) {
  Evidence& evidence = record.evidence;
  evidence.um = Observed<UmTraffic>::zero("the driver has nothing to do");
  evidence.cpu = Observed<CpuTime>::measured({2.5e-3, 0, {}});
  // 100 MB are 781250 packets of 128 bytes: a request of 24 bytes for each, and 20 bytes around
  // each on the way back.
  evidence.link = Observed<LinkTraffic>::measured(
      {.wire_to_device = 115'625'000, .wire_to_host = 18'750'000, .payload_to_device = 1e8});
  evidence.energy = Observed<Energy>::measured({.joules = 0.5, .watts = 200, .seconds = 0.3});
  evidence.page_faults = Observed<PageFaults>::measured({0, 0});
  evidence.residency = Observed<Residency>::measured(pages(0, 2000));
  evidence.gpu = Observed<GpuState>::measured(gpu_state());
  evidence.host = Observed<HostState>::measured({0.5, 8, 0.0, 0.125, 1.5, 2600.0});
  evidence.passes = 2;
}

void add_demand_evidence(CaseRecord& record) {
  UmTraffic traffic;
  traffic.to_device.fault = 15'000'000;
  traffic.to_device.around_fault = 85'000'000;
  traffic.gpu_fault_groups = 50;
  traffic.bytes_read = weight_bytes;
  Evidence& evidence = record.evidence;
  evidence.um = Observed<UmTraffic>::measured(traffic);
  evidence.cpu = Observed<CpuTime>::measured(
      {.process = 10e-3, .driver = 9e-3, .threads = {{"UVM GPU1 BH", 9e-3}}});
  evidence.link = Observed<LinkTraffic>::measured({110e6, 20e6, std::nullopt});
  evidence.energy = Observed<Energy>::unavailable("cold passes have to be brought home");
  evidence.page_faults = Observed<PageFaults>::measured({12.5, 0});
  evidence.residency = Observed<Residency>::measured(pages(2000, 0));
  evidence.residency.value->on_node.clear();
  evidence.gpu = Observed<GpuState>::measured(gpu_state());
  evidence.passes = 1;

  UmTraffic nothing;
  nothing.bytes_read = weight_bytes;
  PassSeries series;
  series.seconds = {10e-3, 30e-6, 20e-6, 25e-6, 24e-6, 26e-6};
  series.driver_seconds = {9e-3, 0, 0, 0, 0, 0};
  series.distinct_bytes = {weight_bytes, 0, 0, 0, 0, 0};
  series.um = Observed<std::vector<UmTraffic>>::measured(
      {traffic, nothing, nothing, nothing, nothing, nothing});
  record.series = series;
}

void add_mapping_evidence(CaseRecord& record) {
  UmTraffic traffic;
  traffic.remote_maps = 1500;
  traffic.gpu_fault_groups = 1500;
  traffic.bytes_read = weight_bytes;
  record.evidence.um = Observed<UmTraffic>::measured(traffic);
  record.evidence.cpu = Observed<CpuTime>::unavailable("no clock");
}

void add_host_evidence(CaseRecord& record) {
  Evidence& evidence = record.evidence;
  evidence.um = Observed<UmTraffic>::zero("the driver has nothing to do");
  evidence.cpu = Observed<CpuTime>::measured({40e-3, std::nullopt, {}});
  evidence.link = Observed<LinkTraffic>::unavailable("no GPU");
  evidence.energy = Observed<Energy>::unavailable("no GPU");
  evidence.page_faults = Observed<PageFaults>::measured({3, 1});
  evidence.residency = Observed<Residency>::measured(pages(0, 2000));
  evidence.gpu = Observed<GpuState>::unavailable("no GPU");
  evidence.host =
      Observed<HostState>::measured({0.02, 8, std::nullopt, std::nullopt, 1.5, std::nullopt});
  evidence.passes = 2;
}

}  // namespace offload::testing
