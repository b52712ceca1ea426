// SPDX-License-Identifier: Apache-2.0
// Writes one of each document the report can make into a directory, for test_results_schema.py.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "bench/report/doctor.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/sql.hpp"
#include "tests/unit/machine_of_profile.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

offload::RunRecord interrupted(offload::RunRecord run) {
  run.complete = false;
  run.incomplete_reason = "interrupted by SIGINT";
  run.cases.resize(2);
  run.cases.back().complete = false;
  return run;
}

offload::RunRecord ended_before_any_case(offload::RunRecord run) {
  run = interrupted(std::move(run));
  run.cases.clear();
  run.benchmark_context.clear();
  return run;
}

offload::RunRecord with_memory_costs(offload::RunRecord run) {
  offload::MemoryCost measured;
  measured.allocator = "malloc";
  measured.weights = "toy";
  measured.tensors = 2;
  measured.asked = 1000;
  measured.rounded = 8192;
  measured.taken = {8192, 8192, std::nullopt, 0};
  measured.kept = {-64, 0, std::nullopt, 0};
  measured.seconds = 1e-3;
  offload::MemoryCost failed = measured;
  failed.allocator = "cudaMallocManaged";
  failed.failure = "out of memory";
  run.memory_costs = {measured, failed};
  return run;
}

/// Whatever a name has in it, it stays a name.
offload::RunRecord with_hostile_names(offload::RunRecord run) {
  constexpr const char* hostile = "x'); DROP TABLE offload_cases; --\"\n\\";
  for (offload::CaseRecord& record : run.cases) record.weights.name = hostile;
  for (offload::SkippedCase& skipped : run.skipped) skipped.reason = hostile;
  run.host_name = hostile;
  return run;
}

offload::RunRecord with_loading_costs(offload::RunRecord run) {
  run.options.loading = true;
  run.loading_costs = {{"mmap", "cold", 1000, 0, {2, 1, 4}, ""},
                       {"read()", "warm", 1000, 1000, {}, "out of memory"}};
  return run;
}

offload::RunRecord for_publication(offload::RunRecord run) {
  run.options.redact = true;
  return run;
}

/// Everything that slows a machine down at once.
void spoil(offload::Platform& platform) {
  offload::Gpu& gpu = *platform.gpu;
  platform.host.bound_node = 1;
  gpu.pci.numa_node = 0;
  gpu.pci.iommu = "DMA-FQ";
  gpu.settings.application_sm_mhz = 1500;
  gpu.settings.max_sm_mhz = 1980;
  gpu.settings.throttled = {"sync boost", "power cap"};
  gpu.settings.mig = gpu.settings.confidential_compute = true;
  gpu.free_bytes /= 2;
  platform.host.settings.virtual_machine = true;
  if (gpu.memory_model.gpu_is_numa_node) gpu.memory_model.gpu_is_numa_node = false;
}

/// What the program says of a machine, and results of it for the scripts to say as much.
void write_both(const std::string& path, offload::RunRecord run,
                const offload::Examination& examination) {
  run.platform = examination.platform;
  run.calibration = examination.calibration;
  write(path + ".json", offload::results_json(run));
  write(path + ".doctor.json", offload::doctor_json(examination));
}

/// Each machine with a profile: as it is published, on both sides of where a figure is called slow,
/// with and without what would make it so.
void write_machines(const std::string& directory, const offload::RunRecord& run) {
  offload::Examination whole;
  whole.platform = run.platform;
  whole.calibration = run.calibration;
  whole.platform.gpu->pci.numa_node = 0;
  whole.platform.gpu->settings.throttled.reset();
  whole.platform.host.settings.virtual_machine = false;
  for (const std::string_view slug : offload::shipped_machines()) {
    for (const auto& [name, times] :
         {std::pair{"alike", 1.0}, std::pair{"slow", 0.5}, std::pair{"near", 0.953},
          std::pair{"beyond", 0.947}, std::pair{"fast", 1.05}}) {
      offload::Examination machine = offload::testing::of_profile(whole, slug);
      offload::testing::speed_up(machine.calibration, times);
      const std::string path = directory + "/" + std::string(slug) + "." + name;
      write_both(path, run, machine);
      machine.platform.host.settings.memory_nodes = {{1}};
      if (times == 0.5 && machine.calibration.link_width) machine.calibration.link_width = 8;
      write_both(path + ".elsewhere", run, machine);
      spoil(machine.platform);
      write_both(path + ".spoilt", run, machine);
    }
  }
}

void write_all(const std::string& directory) {
  const offload::RunRecord gpu = with_memory_costs(offload::testing::gpu_run());
  write(directory + "/gpu.json", offload::results_json(gpu));
  write(directory + "/one-memory.json",
        offload::results_json(with_loading_costs(offload::testing::one_memory_run())));
  write(directory + "/two-gpus.json", offload::results_json(offload::testing::two_gpu_run()));
  write(directory + "/cpu.json", offload::results_json(offload::testing::cpu_run()));
  write(directory + "/model.json", offload::results_json(offload::testing::model_run()));
  write(directory + "/interrupted.json", offload::results_json(interrupted(gpu)));
  write(directory + "/empty.json", offload::results_json(ended_before_any_case(gpu)));
  write(directory + "/redacted.json", offload::results_json(for_publication(gpu)));
  write(directory + "/ci.json", offload::ci_json(gpu));
  write(directory + "/platform.json", offload::platform_json(gpu.platform));
  offload::Examination examination;
  examination.platform = gpu.platform;
  examination.calibration = gpu.calibration;
  write(directory + "/doctor.json", offload::doctor_json(examination));
  std::filesystem::create_directory(directory + "/machines");
  write_machines(directory + "/machines", ended_before_any_case(gpu));
  std::string journal = offload::journal_header(gpu);
  for (const auto& record : gpu.cases) journal += offload::journal_line(record);
  write(directory + "/run.journal", journal);
  std::string lines;
  for (const auto& record : gpu.cases) lines += offload::case_line(record, gpu);
  for (const auto& skipped : gpu.skipped) lines += offload::skipped_line(skipped, gpu);
  write(directory + "/lines.jsonl", lines);
  write(directory + "/hostile.sql", offload::cases_sql(with_hostile_names(gpu)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    write_all(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
