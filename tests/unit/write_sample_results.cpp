// SPDX-License-Identifier: Apache-2.0
// Writes one of each document the report can make into a directory, for test_results_schema.py.
#include <cstdio>
#include <exception>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/report/doctor.hpp"
#include "bench/report/results_file.hpp"
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

offload::RunRecord for_publication(offload::RunRecord run) {
  run.options.redact = true;
  return run;
}

void write_all(const std::string& directory) {
  const offload::RunRecord gpu = with_memory_costs(offload::testing::gpu_run());
  write(directory + "/gpu.json", offload::results_json(gpu));
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
  std::string journal = offload::journal_header(gpu);
  for (const auto& record : gpu.cases) journal += offload::journal_line(record);
  write(directory + "/run.journal", journal);
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
