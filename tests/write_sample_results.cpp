// SPDX-License-Identifier: Apache-2.0
// Writes one of each document the report can make into a directory, for test_results_schema.py.
#include <cstdio>
#include <fstream>
#include <string>

#include "bench/report/results_file.hpp"
#include "tests/synthetic_run.hpp"

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
  run.benchmark_json.clear();
  return run;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace offload;
  if (argc != 2) return 2;
  const std::string directory = std::string(argv[1]) + '/';
  const RunRecord gpu = testing::gpu_run();
  write(directory + "gpu.json", results_json(gpu));
  write(directory + "cpu.json", results_json(testing::cpu_run()));
  write(directory + "interrupted.json", results_json(interrupted(gpu)));
  write(directory + "empty.json", results_json(ended_before_any_case(gpu)));
  write(directory + "ci.json", ci_json(gpu));
  write(directory + "platform.json", platform_json(gpu.platform));
  std::string journal = journal_header(gpu);
  for (const auto& record : gpu.cases) journal += journal_line(record);
  write(directory + "run.journal", journal);
}
