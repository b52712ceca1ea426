// SPDX-License-Identifier: Apache-2.0
// The results document: Google Benchmark's own, with one object of ours beside it.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string_view>

#include "bench/report/answers.hpp"
#include "bench/report/evidence_json.hpp"
#include "bench/report/json_values.hpp"
#include "bench/report/machine_json.hpp"
#include "bench/report/redact.hpp"
#include "bench/report/redactor.hpp"
#include "bench/report/results_file.hpp"

namespace offload {
namespace {

using json_values::Json;
using json_values::named_texts_json;
using json_values::or_null;
using json_values::text_or_null;

template <typename Enum, std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}
constexpr std::array<std::string_view, 3> path_names{"device_memory", "link", "host_memory"};

Json tensor_json(const WeightTensor& tensor) {
  return {{"name", tensor.name},
          {"dtype", name(tensor.dtype)},
          {"rows", tensor.rows},
          {"cols", tensor.cols},
          {"bytes", tensor.bytes()}};
}

/// As part of a model: its layer, how many experts are stacked, and whether it stays on the GPU.
Json model_tensors_json(const std::vector<WeightTensor>& tensors) {
  Json list = Json::array();
  for (const auto& tensor : tensors) {
    Json entry = tensor_json(tensor);
    entry["layer"] = tensor.layer;
    entry["experts"] = tensor.experts;
    entry["resident"] = tensor.resident;
    list.push_back(std::move(entry));
  }
  return list;
}

Json tensors_json(const std::vector<WeightTensor>& tensors) {
  Json list = Json::array();
  for (const auto& tensor : tensors) list.push_back(tensor_json(tensor));
  return list;
}

Json rules_json(const OffloadRules& rules) {
  return {
      {"cpu_offload_gb", rules.cpu_offload_gb}, {"cpu_offload_params", rules.cpu_offload_params},
      {"offload_group_size", rules.group_size}, {"offload_num_in_group", rules.num_in_group},
      {"offload_params", rules.offload_params}, {"n_cpu_moe", or_null(rules.n_cpu_moe)}};
}

Json tuning_json(const Tuning& tuning) {
  return {{"prefetch_step", tuning.prefetch_step},
          {"panel_bytes", or_null(tuning.panel_bytes)},
          {"slots", tuning.slots},
          {"host_share", or_null(tuning.host_share)}};
}

Json options_json(const Options& options) {
  Json starts = Json::array();
  for (const Start start : options.starts) starts.push_back(name(start));
  return {{"action", name(options.action)},
          {"suite", options.suite},
          {"policies", options.policies},
          {"workloads", options.workloads},
          {"weights", options.weights},
          {"tensors", tensors_json(options.tensors)},
          {"sizes", options.sizes},
          {"starts", starts},
          {"gpu", options.gpu},
          {"threads", options.threads},
          {"samples", options.samples},
          {"seed", options.seed},
          {"allow_oversubscription", options.allow_oversubscription},
          {"limits", options.limits},
          {"host_memory_cost", options.host_memory_cost},
          {"graph", options.graph},
          {"evidence", name(options.evidence)},
          {"passes", options.passes},
          {"explain", text_or_null(options.explain)},
          {"models", options.models},
          {"tokens", options.tokens},
          {"chunks", options.chunks},
          {"skews", options.skews},
          {"offload_rules", rules_json(options.rules)},
          {"checkpoint_shapes", options.checkpoint_shapes},
          {"slice_bytes", options.slice_bytes},
          {"tuning", tuning_json(options.tuning)},
          {"output", text_or_null(options.output)},
          {"ci_json", text_or_null(options.ci_json)},
          {"format", name(options.format)},
          {"progress", name(options.progress)},
          {"strict", options.strict},
          {"redact", options.redact},
          {"benchmark_flags", options.benchmark_flags}};
}

Json build_json(const BuildInfo& build) {
  return {{"version", build.version},
          {"git_commit", text_or_null(build.git_commit)},
          {"git_dirty", build.git_dirty},
          {"build_type", text_or_null(build.build_type)},
          {"compiler", text_or_null(build.compiler)},
          {"cuda_toolkit", text_or_null(build.cuda_toolkit)},
          {"cuda_architectures", text_or_null(build.cuda_architectures)},
          {"benchmark_library", text_or_null(build.benchmark_library)}};
}

Json calibration_json(const Calibration& calibration) {
  return {{"copy_h2d_bytes_per_second", or_null(calibration.copy_h2d)},
          {"copy_d2h_bytes_per_second", or_null(calibration.copy_d2h)},
          {"sm_read_pinned_bytes_per_second", or_null(calibration.sm_read_pinned)},
          {"device_read_bytes_per_second", or_null(calibration.device_read)},
          {"link_latency_s", or_null(calibration.link_latency)},
          {"device_latency_s", or_null(calibration.device_latency)},
          {"host_read_bytes_per_second", calibration.host_read},
          {"copy_h2d_beside_host_bytes_per_second", or_null(calibration.copy_h2d_beside_host)},
          {"host_read_beside_copy_bytes_per_second", or_null(calibration.host_read_beside_copy)},
          {"seconds", calibration.seconds}};
}

Json limit_json(const Limit& limit) {
  return {{"id", limit.id},
          {"description", limit.description},
          {"ratio", limit.ratio},
          {"goal", limit.goal},
          {"at_least", limit.at_least},
          {"met", limit.met()},
          {"measured", limit.measured},
          {"reference", limit.reference},
          {"unit", limit.unit}};
}

Json growth_json(const MemoryGrowth& growth) {
  return {{"host_bytes", or_null(growth.host)},
          {"resident_bytes", or_null(growth.resident)},
          {"cgroup_bytes", or_null(growth.charged)},
          {"device_bytes", or_null(growth.device)}};
}

Json memory_cost_json(const MemoryCost& cost) {
  const bool measured = cost.failure.empty();
  return {{"allocator", cost.allocator},
          {"weights", cost.weights},
          {"tensors", cost.tensors},
          {"asked_bytes", cost.asked},
          {"rounded_bytes", cost.rounded},
          {"taken", measured ? growth_json(cost.taken) : Json()},
          {"kept", measured ? growth_json(cost.kept) : Json()},
          {"seconds", measured ? Json(cost.seconds) : Json()},
          {"failure", text_or_null(cost.failure)}};
}

Json summary_json(const Summary& summary) {
  return {{"median_s", summary.median},
          {"mean_s", summary.mean},
          {"min_s", summary.min},
          {"max_s", summary.max},
          {"p05_s", summary.p05},
          {"p25_s", summary.p25},
          {"p75_s", summary.p75},
          {"p95_s", summary.p95},
          {"p99_s", summary.p99},
          {"stddev_s", summary.stddev},
          {"coefficient_of_variation", summary.coefficient_of_variation}};
}

Json footprint_json(const Footprint& footprint) {
  return {{"device", footprint.device},
          {"pinned", footprint.pinned},
          {"managed", footprint.managed},
          {"pageable", footprint.pageable}};
}

Json model_json(const CaseRecord& record) {
  const ModelSlice& slice = *record.weights.slice;
  const ModelFigures& figures = *record.model;
  return {{"name", slice.model},
          {"layers", slice.layers},
          {"layers_measured", slice.layers_measured},
          {"experts_per_token", slice.experts_per_token},
          {"offloaded_bytes", slice.offloaded_bytes},
          {"resident_bytes", slice.resident_bytes},
          {"other_bytes", slice.other_bytes},
          {"left_out", "attention and KV cache, norms, embedding and head"},
          {"scale", figures.scale},
          {"pass_s", figures.seconds},
          {"tokens_per_second_ceiling", figures.tokens_per_second},
          {"link_bytes_per_token", figures.link_bytes_per_token},
          {"overlap", or_null(figures.overlap)},
          {"memory_bytes", footprint_json(figures.memory)},
          {"pinned_bytes_by_powers_of_two", figures.pinned_by_powers_of_two}};
}

Json place_json(const Place& place) {
  return {{"rank", place.rank},
          {"times_slower", place.times_slower},
          {"ties_with_best", place.ties_with_best}};
}

/// By contest; null for a case that takes part in none.
Json standing_json(const CaseRecord& record, const Ranking& ranking) {
  Json standing;
  if (const auto cold = place(ranking.cold, record)) standing["cold"] = place_json(*cold);
  if (const auto warm = place(ranking.warm, record)) standing["warm"] = place_json(*warm);
  return standing;
}

Json named_case_json(const CaseRecord& record) {
  return {{"case", record.name},
          {"policy", record.policy},
          {"engine_flags", text_or_null(record.engine_flags)}};
}

Json named_case_json(const CaseRecord* record, std::string_view factor, double value) {
  Json entry = named_case_json(*record);
  entry[std::string(factor)] = value;
  return entry;
}

Json contest_json(const std::optional<Contest>& contest, const Ranking& ranking,
                  const Calibration& calibration) {
  if (!contest) return nullptr;
  const CaseRecord& best = contest->best();
  const auto slower = [&](const CaseRecord* record) {
    return record == nullptr ? Json()
                             : named_case_json(record, "times_slower", times_slower(*record, best));
  };
  const CaseRecord* const resident = ranking.resident;
  Json tied = Json::array();
  for (const CaseRecord* record : contest->tied) {
    if (record != &best) tied.push_back(slower(record));
  }
  return {{"best", named_case_json(best)},
          {"tied", std::move(tied)},
          {"runner_up", slower(contest->runner_up)},
          {"switchable", slower(contest->switchable)},
          {"resident", resident == nullptr ? Json()
                                           : named_case_json(resident, "times_faster",
                                                             times_slower(best, *resident))},
          {"limited_by", name(limited_by(best, resident, calibration))}};
}

Json answer_json(const Answer& answer, const Calibration& calibration) {
  const Ranking& ranking = answer.ranking;
  return {{"workload", ranking.workload},
          {"label", ranking.label},
          {"weights", ranking.weights},
          {"cold", contest_json(ranking.cold, ranking, calibration)},
          {"warm", contest_json(ranking.warm, ranking, calibration)},
          {"sentences", answer.sentences}};
}

std::string_view exclusion_name(const CaseRecord& record) {
  const auto why = exclusion(record);
  return why ? name(*why) : "";
}

/// A failed case keeps its samples, as what was seen, but no rate: nothing may quote it.
Json case_json(const CaseRecord& record, std::string_view run_name, Json standing) {
  const bool rated = record.failure.empty() && record.summary;
  const bool stepped = rated && record.steps > 0;
  return {{"name", record.name},
          {"run_name", text_or_null(run_name)},
          {"workload", record.workload},
          {"label", record.label},
          {"policy", record.policy},
          {"weights",
           {{"name", record.weights.name},
            {"bytes", record.weights.bytes()},
            {"tensors", record.weights.slice ? model_tensors_json(record.weights.tensors)
                                             : tensors_json(record.weights.tensors)}}},
          {"start", record.start},
          {"path", pick(path_names, record.path)},
          {"memory", record.memory},
          {"mechanism", record.mechanism},
          {"family", text_or_null(record.family)},
          {"engine_flags", text_or_null(record.engine_flags)},
          {"bytes",
           {{"requested", record.bytes.requested},
            {"touched", record.bytes.touched},
            {"only_read", record.bytes.only_read}}},
          {"steps", record.steps},
          {"tokens", record.tokens},
          {"link_bytes", record.link_bytes},
          {"cpu_bytes", record.cpu_bytes},
          {"captured", record.captured},
          {"model", record.model ? model_json(record) : Json()},
          {"footprint", footprint_json(record.footprint)},
          {"passes_per_sample", record.passes_per_sample},
          {"samples_s", record.samples},
          {"summary", record.summary ? summary_json(*record.summary) : Json()},
          {"gb_per_s", rated ? Json(record.rate() / 1e9) : Json()},
          {"seconds_per_step",
           stepped ? Json(record.summary->median / static_cast<double>(record.steps)) : Json()},
          {"share_of_link", rated ? or_null(record.share_of_link) : Json()},
          {"setup", setup_json(record)},
          {"evidence", evidence_json(record)},
          {"series", series_json(record)},
          {"standing", std::move(standing)},
          {"excluded", text_or_null(exclusion_name(record))},
          {"failure", text_or_null(record.failure)},
          {"complete", record.complete}};
}

Json skipped_json(const SkippedCase& skipped) {
  return {{"name", skipped.name},       {"workload", skipped.workload}, {"policy", skipped.policy},
          {"weights", skipped.weights}, {"start", skipped.start},       {"reason", skipped.reason}};
}

Json wall_json(const WallTime& wall) {
  return {{"total_s", wall.total},           {"measured_s", wall.measured},
          {"allocation_s", wall.allocation}, {"content_s", wall.content},
          {"reset_s", wall.reset},           {"evidence_s", wall.evidence}};
}

/// Everything of a run but its cases, which follow.
Json run_json(const RunRecord& run) {
  Json out = {{"schema_version", results_schema_version},
              {"complete", run.complete},
              {"incomplete_reason", text_or_null(run.incomplete_reason)},
              {"redacted", run.platform.redacted},
              {"started_at", run.started_at},
              {"argv", run.argv},
              {"benchmark_flags", run.effective_benchmark_flags},
              {"environment", named_texts_json(run.environment)},
              {"options", options_json(run.options)},
              {"build", build_json(run.build)},
              {"platform", machine_json(run.platform)},
              {"host_workers",
               {{"threads", run.host_threads},
                {"instruction_set", text_or_null(run.host_instruction_set)}}},
              {"calibration", calibration_json(run.calibration)},
              {"limits", Json::array()},
              {"memory_costs", Json::array()},
              {"wall_time", wall_json(run.wall)},
              {"skipped", Json::array()},
              {"answers", Json::array()},
              {"cases", Json::array()}};
  for (const auto& limit : run.limits) out["limits"].push_back(limit_json(limit));
  for (const auto& cost : run.memory_costs) out["memory_costs"].push_back(memory_cost_json(cost));
  for (const auto& skipped : run.skipped) out["skipped"].push_back(skipped_json(skipped));
  return out;
}

std::string written(const Json& json, int indent) {
  // Paths and environment variables need not be UTF-8; a document must be.
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + '\n';
}

/// A run that ended before Google Benchmark wrote anything still has a readable context.
Json empty_document(const RunRecord& run) {
  return {{"context",
           {{"date", run.started_at},
            {"executable", run.argv.empty() ? "" : run.argv.front()},
            {"num_cpus", run.platform.host.logical_cpus},
            {"caches", Json::array()}}},
          {"benchmarks", Json::array()}};
}

Json stock_document(const RunRecord& run) {
  if (run.benchmark_context.empty()) return empty_document(run);
  Json document = Json::parse(run.benchmark_context, nullptr, false);
  if (!document.is_object() || !document.contains("context") || !document["context"].is_object()) {
    throw std::runtime_error(
        "results: Google Benchmark's own JSON is not readable (no object with a context); report "
        "this with the version of the library");
  }
  if (!document["context"].contains("caches")) document["context"]["caches"] = Json::array();
  document["benchmarks"] = Json::array();
  return document;
}

/// A row without both times spoils the tools that read it.
bool has_times(const BenchmarkRow& row) {
  return std::isfinite(row.real_time) && std::isfinite(row.cpu_time);
}

/// The rows of recorded cases that did not fail.
using StockRows = std::map<std::string, std::vector<const BenchmarkRow*>, std::less<>>;
StockRows rows_by_case(const RunRecord& run) {
  StockRows rows;
  for (const CaseRecord& record : run.cases) {
    if (record.failure.empty()) rows[record.name];
  }
  for (const BenchmarkRow& row : run.benchmark_rows) {
    const auto of_case = rows.find(row.case_name);
    if (of_case != rows.end() && has_times(row)) of_case->second.push_back(&row);
  }
  return rows;
}

/// As Google Benchmark's JSONReporter writes it, without the counters that no JSON number can say.
Json row_json(const BenchmarkRow& row) {
  const bool aggregate = !row.aggregate_name.empty();
  Json json = {{"name", row.name},
               {"family_index", row.family_index},
               {"per_family_instance_index", row.per_family_instance_index},
               {"run_name", row.run_name},
               {"run_type", aggregate ? "aggregate" : "iteration"},
               {"repetitions", row.repetitions}};
  if (!aggregate) json["repetition_index"] = row.repetition_index;
  json["threads"] = row.threads;
  if (aggregate) {
    json["aggregate_name"] = row.aggregate_name;
    json["aggregate_unit"] = row.aggregate_unit;
  }
  json["iterations"] = row.iterations;
  json["real_time"] = row.real_time;
  json["cpu_time"] = row.cpu_time;
  json["time_unit"] = row.time_unit;
  for (const auto& [name, value] : row.counters) {
    if (std::isfinite(value)) json[name] = value;
  }
  if (!row.label.empty()) json["label"] = row.label;
  return json;
}

/// Of Google Benchmark's context, only what is known to name nobody.
void redact_context(Json& context) {
  constexpr std::array<std::string_view, 9> harmless{
      "date",     "num_cpus",           "mhz_per_cpu",     "cpu_scaling_enabled", "caches",
      "load_avg", "library_build_type", "library_version", "json_schema_version"};
  for (auto& [key, value] : context.items()) {
    if (key == "executable" && value.is_string()) {
      value = last_component(value.get<std::string>());
    } else if (std::ranges::find(harmless, key) == harmless.end()) {
      value = redacted_text;
    }
  }
  context["redacted"] = true;
}

double units_per_second(std::string_view time_unit) {
  if (time_unit == "ns") return 1e9;
  if (time_unit == "us") return 1e6;
  return time_unit == "ms" ? 1e3 : 1;
}

/// One row for a whole case, in the fields of a plain measurement.
BenchmarkRow median_row(const CaseRecord& record, const std::vector<const BenchmarkRow*>& rows) {
  BenchmarkRow median = *rows.front();
  std::vector<double> cpu_times;
  for (const BenchmarkRow* row : rows) {
    if (row->aggregate_name.empty()) cpu_times.push_back(row->cpu_time);
    if (row->aggregate_name == "median" && cpu_times.empty()) {
      cpu_times.push_back(row->cpu_time);  // statistics alone were reported
      break;
    }
  }
  median.name = median.run_name;
  median.aggregate_name.clear();
  median.real_time = record.summary->median * units_per_second(median.time_unit);
  if (!cpu_times.empty()) median.cpu_time = percentile(cpu_times, 50);
  for (auto& [name, value] : median.counters) {
    if (name == "bytes_per_second") value = record.rate();
  }
  return median;
}

bool to_be_redacted(const RunRecord& run) { return run.options.redact && !run.platform.redacted; }

}  // namespace

std::string results_json(const RunRecord& run) {
  if (to_be_redacted(run)) return results_json(redacted(run));
  Json document = stock_document(run);
  if (run.platform.redacted) redact_context(document["context"]);
  const StockRows rows = rows_by_case(run);
  for (const BenchmarkRow& row : run.benchmark_rows) {
    const auto of_case = rows.find(row.case_name);
    if (of_case != rows.end() && has_times(row)) document["benchmarks"].push_back(row_json(row));
  }
  Json& ours = document["offload_bench"] = run_json(run);
  std::map<const CaseRecord*, Json> standings;
  for (const Answer& answer : answers(run)) {
    ours["answers"].push_back(answer_json(answer, run.calibration));
    for (const CaseRecord* record : answer.ranking.cases) {
      standings[record] = standing_json(*record, answer.ranking);
    }
  }
  for (const CaseRecord& record : run.cases) {
    const auto of_case = rows.find(record.name);
    const bool has_rows = of_case != rows.end() && !of_case->second.empty();
    ours["cases"].push_back(case_json(record, has_rows ? of_case->second.front()->run_name : "",
                                      std::move(standings[&record])));
  }
  return written(document, 2);
}

std::string journal_header(const RunRecord& run) {
  if (to_be_redacted(run)) return journal_header(redacted(run));
  return written(run_json(run), -1);
}

std::string journal_line(const CaseRecord& record) {
  return written(case_json(record, "", nullptr), -1);
}

std::string ci_json(const RunRecord& run) {
  if (to_be_redacted(run)) return ci_json(redacted(run));
  Json document = stock_document(run);
  if (run.platform.redacted) redact_context(document["context"]);
  const StockRows rows = rows_by_case(run);
  for (const CaseRecord& record : run.cases) {
    const auto of_case = rows.find(record.name);
    if (of_case == rows.end() || of_case->second.empty()) continue;
    if (!record.complete || !record.summary) continue;
    document["benchmarks"].push_back(row_json(median_row(record, of_case->second)));
  }
  return written(document, 2);
}

std::string platform_json(const Platform& platform) { return written(machine_json(platform), 2); }

}  // namespace offload
