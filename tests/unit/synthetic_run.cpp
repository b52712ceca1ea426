// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/synthetic_run.hpp"

#include <cstdint>
#include <limits>

namespace offload::testing {
namespace {

constexpr double link_rate = 62.5e9;

BenchmarkRow row(const CaseRecord& record, const std::string& statistic, double seconds) {
  BenchmarkRow row;
  row.case_name = record.name;
  row.run_name = record.name + "/manual_time";
  row.name = row.run_name + (statistic.empty() ? "" : "_" + statistic);
  row.repetitions = static_cast<std::int64_t>(record.samples.size());
  row.aggregate_name = statistic;
  row.aggregate_unit = statistic.empty() ? "" : "time";
  row.real_time = seconds * 1e6;
  row.cpu_time = seconds * 2e6;
  row.time_unit = "us";
  row.counters = {{"bytes_per_second", static_cast<double>(record.bytes.requested) / seconds},
                  {"zero_cv", std::numeric_limits<double>::quiet_NaN()}};
  return row;
}

GpuSettings gpu_settings() {
  GpuSettings settings;
  settings.serial = "1650000000000";
  settings.ecc = settings.persistence = true;
  settings.mig = settings.confidential_compute = false;
  settings.compute_mode = "default";
  settings.power_limit_watts = settings.enforced_power_limit_watts = 700.0;
  settings.sm_mhz = 345;
  settings.max_sm_mhz = settings.application_sm_mhz = 1980;
  settings.memory_mhz = settings.max_memory_mhz = settings.application_memory_mhz = 3201;
  settings.throttled = {"power cap"};
  settings.temperature_celsius = 31;
  settings.bar1_bytes = std::size_t{128} << 30U;
  settings.addressing_mode = "hmm";
  settings.unknown = {{"numa_node", "nvmlDeviceGetNumaNodeId: NVML error 3 (not supported)"}};
  return settings;
}

HostSettings host_settings() {
  HostSettings settings;
  settings.sockets = 1;
  settings.nodes = {{0, std::size_t{64} << 30U, 0, {0}, false, {10}}};
  settings.transparent_hugepage_defrag = "madvise";
  settings.hugepages = {{std::size_t{2} << 20U, 0}, {std::size_t{1} << 30U, 4}};
  settings.numa_balancing = 0;
  settings.governor = "performance";
  settings.kernel_command_line = "quiet iommu=pt init_on_alloc=0";
  settings.iommu_parameters = {"iommu=pt"};
  settings.init_on_alloc = false;
  settings.iommu_groups = 12;
  settings.locked_memory_unlimited = true;
  settings.virtual_machine = true;
  settings.container = "docker";
  settings.swap_bytes = 0;
  settings.overcommit_memory = 1;
  settings.modules = {true, {{"uvm_disable_hmm", "N"}}, {{"EnableResizableBar", "0"}}};
  settings.ranks = {{"SLURM_PROCID", "0"}};
  return settings;
}

Platform gpu_platform() {
  Platform platform;
  Gpu gpu;
  gpu.name = "Test GPU";
  gpu.uuid = "GPU-0";
  gpu.pci_bus_id = "0000:01:00.0";
  gpu.compute_major = 9;
  gpu.sm_count = 100;
  gpu.l2_bytes = std::size_t{50} << 20U;
  gpu.memory_bytes = std::size_t{80} << 30U;
  gpu.free_bytes = std::size_t{79} << 30U;
  gpu.hbm_peak_bytes_per_second = 5e12;
  gpu.driver_version = 13000;
  gpu.runtime_version = 13000;
  gpu.driver_release = "580.1";
  gpu.memory_model.managed = true;
  gpu.memory_model.host_numa_id = 0;
  gpu.memory_model.async_engines = 3;
  gpu.memory_model.host_pointer_for_registered_memory = true;
  gpu.memory_model.memory_pools = true;
  gpu.memory_model.host_numa_memory_pools = true;
  gpu.memory_model.gpu_is_numa_node = false;
  gpu.settings = gpu_settings();
  platform.gpu = gpu;
  Link link;
  link.kind = "pcie";
  link.generation = 5;
  link.width = 16;
  link.peak_bytes_per_second = 63e9;
  platform.link = link;
  platform.host.cpu = "Test CPU";
  platform.host.architecture = "x86_64";
  platform.host.logical_cpus = 8;
  platform.host.page_bytes = 4096;
  platform.host.memory_bytes = std::size_t{64} << 30U;
  platform.host.available_bytes = std::size_t{60} << 30U;
  platform.host.settings = host_settings();
  return platform;
}

RunRecord bare_run() {
  RunRecord run;
  run.argv = {"offload_bench", "--suite", "quick"};
  run.effective_benchmark_flags = {"--benchmark_repetitions=3"};
  run.started_at = "2026-01-02T03:04:05Z";
  run.build.version = "0.1.0";
  run.build.build_type = "Release";
  run.host_threads = 8;
  run.host_instruction_set = "AVX2";
  run.complete = true;
  run.wall = {10.0, 6.0, 2.0, 1.0, 0.5};
  return run;
}

CaseRecord chase(const std::string& policy, Path path, double seconds) {
  CaseRecord record = toy_case("pointer_chase", policy, "steady", path, {seconds});
  record.steps = 1000;
  record.bytes = {8000, 32000};
  record.link_bytes = path == Path::link ? record.bytes.requested : 0;
  record.share_of_link.reset();
  return record;
}

}  // namespace

WeightSet toy_weights() { return {"toy.w", {{"toy.w", DType::bf16, 10000, 5000}}}; }

CaseRecord toy_case(const std::string& workload, const std::string& policy,
                    const std::string& start, Path path, std::vector<double> samples) {
  CaseRecord record;
  record.weights = toy_weights();
  record.workload = record.label = workload;
  record.policy = policy;
  record.start = start;
  record.name = workload + '/' + policy + '/' + record.weights.name + '/' + start;
  record.memory = "memory of " + policy;
  record.mechanism = "mechanism of " + policy;
  record.path = path;
  record.bytes = {100'000'000, 100'000'000};
  record.footprint.pinned = 100'000'000;
  record.samples = std::move(samples);
  if (!record.samples.empty()) record.summary = summarize(record.samples);
  if (path == Path::link) {
    record.link_bytes = record.bytes.requested;
    record.share_of_link = record.rate() / link_rate;
  }
  if (path == Path::host_memory) record.cpu_bytes = record.bytes.requested;
  record.evidence.um = Observed<UmTraffic>::zero("not managed");
  record.complete = true;
  return record;
}

void add_stock_rows(RunRecord& run) {
  run.benchmark_context = R"({
  "context": {
    "date": "2026-01-02T03:04:05+00:00",
    "host_name": "test",
    "executable": "offload_bench",
    "num_cpus": 8,
    "mhz_per_cpu": 2600,
    "cpu_scaling_enabled": false,
    "caches": [
    ],
    "load_avg": [0.25,0.5,0.75],
    "library_build_type": "release"
  },
  "benchmarks": [
  ]
}
)";
  for (const CaseRecord& record : run.cases) {
    if (!record.failure.empty()) run.benchmark_rows.push_back(row(record, "", 1));
    for (std::size_t i = 0; i < record.samples.size(); ++i) {
      run.benchmark_rows.push_back(row(record, "", record.samples[i]));
      run.benchmark_rows.back().repetition_index = static_cast<std::int64_t>(i);
    }
    if (record.samples.size() < 2) continue;
    for (const char* statistic : {"mean", "median"}) {
      run.benchmark_rows.push_back(row(record, statistic, record.summary->median));
    }
  }
}

RunRecord gpu_run() {
  RunRecord run = bare_run();
  run.platform = gpu_platform();
  run.environment = {{"CUDA_VISIBLE_DEVICES", "0"}};
  run.options.tensors = toy_weights().tensors;
  run.options.starts = {Start::cold, Start::warm};
  Calibration& calibrated = run.calibration;
  calibrated.copy_h2d = link_rate;
  calibrated.copy_d2h = 60e9;
  calibrated.sm_read_pinned = 50e9;
  calibrated.device_read = 4e12;
  calibrated.link_latency = 1.2e-6;
  calibrated.device_latency = 2e-7;
  calibrated.host_read = 80e9;
  calibrated.copy_h2d_beside_host = 60e9;
  calibrated.host_read_beside_copy = 40e9;
  calibrated.sm_write_pinned = 48e9;
  calibrated.copy_h2d_beside_d2h = 46e9;
  calibrated.copy_d2h_beside_h2d = 44e9;
  calibrated.host_read_of_gpu_memory = 7e9;
  calibrated.copy_start = 6e-6;
  calibrated.fault = 12e9;
  calibrated.products = {{{DType::bf16, 4096, 4096, 512}, Rereads::as_engines_do, 2e-4, 2}};
  calibrated.link_generation = 5;
  calibrated.link_width = 16;
  calibrated.seconds = 1.5;
  run.limits = {{"copy", "pinned_copy / memcpy", 0.99, 0.985, true, 49.5e9, 50e9, "B/s"},
                {"overhead", "pass / floor", 1.2, 1.1, false, 1.2e-3, 1e-3, "s"}};
  const auto on_gpu = Path::device_memory;
  run.cases = {
      toy_case("gemv", "device_resident", "steady", on_gpu, {25e-6, 25e-6, 25e-6}),
      toy_case("gemv", "pinned_zero_copy", "steady", Path::link, {2.5e-3, 2.5e-3, 2.5e-3}),
      toy_case("gemv", "pinned_copy", "steady", Path::link, {1.99e-3, 2e-3, 2.01e-3}),
      toy_case("gemv", "managed_demand", "cold", Path::link, {9.9e-3, 10e-3, 10.1e-3}),
      toy_case("gemv", "managed_demand", "warm", on_gpu, {25e-6, 25e-6, 25e-6}),
      toy_case("gemv", "managed_prefer_host", "cold", Path::link, {3e-3, 3e-3, 3e-3}),
      toy_case("gemv", "managed_prefer_host", "warm", Path::link, {1.8e-3, 1.8e-3, 1.8e-3}),
      toy_case("gemv", "host_compute", "steady", Path::host_memory, {4e-3, 4e-3, 4e-3}),
      toy_case("gemv", "pageable_copy", "steady", Path::link, {}),
      chase("pinned_zero_copy", Path::link, 1.2e-3),
      chase("device_resident", on_gpu, 0.2e-3),
      toy_case("nested", "pinned_copy", "steady", Path::link, {3.9e-3, 4e-3, 4.1e-3}),
  };
  run.cases[3].engine_flags = "GGML_CUDA_ENABLE_UNIFIED_MEMORY=1";
  run.cases[11].setup_samples = {0.9e-3, 1e-3, 1.1e-3};
  add_zero_copy_evidence(run.cases[1]);
  add_demand_evidence(run.cases[3]);
  add_mapping_evidence(run.cases[5]);
  CaseRecord& broken = run.cases[8];
  broken.failure = "wrong result: y[3] is 1.5, expected 2.5";
  broken.complete = false;
  run.cases[0].passes_per_sample = 40;
  for (const char* workload : {"gemv", "pointer_chase"}) {
    for (const char* policy : {"system_demand", "system_prefetch"}) {
      run.skipped.push_back({std::string(workload) + '/' + policy + "/toy.w/cold", workload, policy,
                             "toy.w", "cold", "needs pageable memory access"});
    }
  }
  run.skipped.push_back({"gemv/hostvmm_zero_copy/toy.w/steady", "gemv", "hostvmm_zero_copy",
                         "toy.w", "steady", "no cuMemCreate on host nodes"});
  add_stock_rows(run);
  return run;
}

CaseRecord one_memory_case(const std::string& policy, Path path, double seconds,
                           const Footprint& footprint) {
  CaseRecord record = toy_case("gemv", policy, "steady", path, {seconds, seconds});
  record.footprint = footprint;
  record.share_of_memory = record.rate() / 200e9;
  return record;
}

Member toy_member(int gpu, double seconds) {
  const std::vector<double> samples(3, seconds);
  return {gpu, samples, summarize(samples), 100'000'000, ""};
}

/// The same case on GPUs 0 and 1 alone, and on both; seconds of both by GPU.
void add_sets(RunRecord& run, const std::string& policy, Path path, double alone, double first,
              double second) {
  for (const std::vector<int>& gpus : {std::vector{0}, std::vector{1}, std::vector{0, 1}}) {
    const bool both = gpus.size() > 1;
    const double seconds = both ? std::max(first, second) : alone;
    CaseRecord record = toy_case("gemv", policy, "steady", path, {seconds, seconds, seconds});
    record.gpus = gpus;
    record.name += "/gpus:" + std::string(both ? "0+1" : gpus.front() == 0 ? "0" : "1");
    if (both) {
      record.bytes = {200'000'000, 200'000'000};
      record.footprint.pinned *= 2;
      if (path == Path::link) {
        *record.link_bytes *= 2;
        record.share_of_link = record.rate() / (2 * link_rate);
      }
      record.members = {toy_member(0, first), toy_member(1, second)};
      const double sum = 2 * 100e6 / alone;
      record.together = Together{sum, record.rate() / sum};
    }
    run.cases.push_back(std::move(record));
  }
}

RunRecord two_gpu_run() {
  RunRecord run = gpu_run();
  run.options.gpus = {"all"};
  run.limits.clear();
  run.skipped.clear();
  run.cases.clear();
  add_sets(run, "pinned_copy", Path::link, 2e-3, 2e-3, 1.99e-3);
  add_sets(run, "host_compute", Path::host_memory, 1e-3, 2e-3, 1.9e-3);
  add_sets(run, "managed_demand", Path::link, 10e-3, 10e-3, 10e-3);
  CaseRecord& failed = run.cases.back();
  failed.members[1].failure = "out of memory";
  failed.failure = "GPU 1: out of memory";
  failed.together = Together{20e9, std::nullopt};
  failed.complete = false;
  Platform second = run.platform;
  second.gpu->index = 1;
  second.gpu->uuid = "GPU-11111111-2222-3333-4444-555555555555";
  run.gpus = {{run.platform, run.calibration, 8, 0}, {second, run.calibration, 8, std::nullopt}};
  run.together = SharedRates{{1e-6, 6e-6, 20}, 2 * link_rate, 98e9, 80e9};
  add_stock_rows(run);
  return run;
}

RunRecord one_memory_run() {
  RunRecord run = bare_run();
  run.platform = gpu_platform();
  run.platform.link.reset();
  run.platform.gpu->memory_model.shares_host_memory = true;
  run.platform.gpu->hbm_peak_bytes_per_second.reset();
  run.calibration.device_read = 200e9;
  run.calibration.sm_read_pinned = 190e9;
  run.calibration.host_read = 160e9;
  run.calibration.copy_h2d = 80e9;
  constexpr std::size_t all = 100'000'000;
  run.cases = {
      one_memory_case("pinned_copy", Path::one_memory, 2e-3, {.device = all, .pinned = all}),
      one_memory_case("pinned_ring_copy", Path::one_memory, 1.75e-3,
                      {.device = all / 10, .pinned = all}),
      one_memory_case("device_resident", Path::one_memory, 0.5e-3, {.device = all}),
      one_memory_case("pinned_zero_copy", Path::one_memory, 0.5e-3, {.pinned = all}),
      one_memory_case("host_compute", Path::host_memory, 1e-3, {.pageable = all}),
  };
  add_stock_rows(run);
  return run;
}

RunRecord cpu_run() {
  RunRecord run = bare_run();
  run.platform.gpu_absent_reason = "no driver";
  run.platform.host.architecture = "aarch64";
  run.platform.host.logical_cpus = 1;
  run.calibration.host_read = 20e9;
  run.cases = {
      toy_case("gemv", "host_compute", "steady", Path::host_memory, {4.9e-3, 5e-3, 5.1e-3})};
  add_host_evidence(run.cases[0]);
  add_stock_rows(run);
  return run;
}

}  // namespace offload::testing
