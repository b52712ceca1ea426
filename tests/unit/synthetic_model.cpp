// SPDX-License-Identifier: Apache-2.0
// A model of four equal layers of 100 MB, two of which were measured, over a link of 62.5 GB/s:
// the 200 MB measured cross it in 3.2 ms.
#include "bench/measure/case_result.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload::testing {
namespace {

constexpr std::size_t layer_bytes = 100'000'000;
constexpr double link_rate = 62.5e9;

WeightSet toy_model() {
  WeightSet weights{"toy-model", {}};
  for (const std::size_t layer : {1, 3}) {
    weights.tensors.push_back(
        {"layers." + std::to_string(layer) + ".up_proj", DType::bf16, 10000, 5000, layer});
  }
  weights.slice = ModelSlice{.model = "toy-model",
                             .layers = 4,
                             .layers_measured = 2,
                             .offloaded_bytes = 4 * layer_bytes,
                             .other_bytes = layer_bytes / 2};
  return weights;
}

CaseRecord pass(const std::string& workload, std::size_t tokens, const std::string& policy,
                const std::string& start, Path path, double seconds) {
  CaseRecord record = toy_case(workload, policy, start, path, {seconds, seconds, seconds});
  record.weights = toy_model();
  record.tokens = tokens;
  record.label = label_of(workload, "tokens", std::to_string(tokens));
  record.name = record.label + '/' + policy + '/' + record.weights.name + '/' + start;
  record.bytes = {2 * layer_bytes, 2 * layer_bytes};
  record.footprint = {};
  if (path == Path::device_memory) record.footprint.device = 2 * layer_bytes;
  if (path == Path::host_memory) record.footprint.pageable = 2 * layer_bytes;
  if (path == Path::host_memory) record.cpu_bytes = 2 * layer_bytes;
  if (path == Path::link) {
    record.footprint.pinned = 2 * layer_bytes;
    record.link_bytes = 2 * layer_bytes;
    record.share_of_link = 2 * layer_bytes / seconds / link_rate;
  }
  return record;
}

CaseRecord split(std::size_t slot_bytes, double seconds) {
  CaseRecord record = pass("decode", 1, "hybrid_split", "steady", Path::link, seconds);
  record.cpu_bytes = layer_bytes;
  record.link_bytes = layer_bytes;
  record.footprint.device = slot_bytes;
  record.share_of_link = layer_bytes / seconds / link_rate;
  return record;
}

CaseRecord migrating(const std::string& start, Path path, double seconds) {
  CaseRecord record = pass("decode", 1, "managed_readmostly_prefetch", start, path, seconds);
  record.migrates = true;
  record.footprint = {.managed = 2 * layer_bytes};
  return record;
}

}  // namespace

RunRecord model_run() {
  RunRecord run = gpu_run();
  run.options.suite = "decode";
  run.options.models = {"toy-model"};
  run.options.content = ContentOf::model;
  run.weight_files = {{"toy-model/model.safetensors", 4096}};
  run.options.rules.n_cpu_moe = 3;
  run.options.tuning.host_share = 0.5;
  run.limits.clear();
  run.skipped.clear();
  run.cases = {
      pass("decode", 1, "device_resident", "steady", Path::device_memory, 1e-3),
      pass("decode", 1, "pinned_copy", "steady", Path::link, 4.2e-3),
      pass("decode", 1, "pinned_prefetch_copy", "steady", Path::link, 3.4e-3),
      split(layer_bytes / 4, 1.8e-3),
      migrating("cold", Path::link, 20e-3),
      migrating("warm", Path::device_memory, 1e-3),
      pass("decode", 1, "host_compute", "steady", Path::host_memory, 8e-3),
      pass("decode", 1, "pageable_copy", "steady", Path::link, 5e-3),
      pass("prefill", 512, "device_resident", "steady", Path::device_memory, 4e-3),
      pass("prefill", 512, "pinned_copy", "steady", Path::link, 5e-3),
  };
  run.cases[0].captured = true;
  run.cases[1].footprint.device = layer_bytes;
  run.cases[2].footprint.device = layer_bytes;
  run.cases[2].engine_flags = "vLLM --offload-backend prefetch";
  run.cases[3].nearest_engine = "another, by experts";
  run.cases[7].failure = "wrong result: y[3] is 1.5, expected 2.5";
  run.cases[7].complete = false;
  run.cases[9].footprint.device = layer_bytes;
  run.cases[9].engine_flags = "SGLang --cpu-offload-gb 30";
  run.cases = with_model_figures(std::move(run.cases), {run.calibration, run.platform});
  add_stock_rows(run);
  return run;
}

}  // namespace offload::testing
