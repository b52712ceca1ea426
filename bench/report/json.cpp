// SPDX-License-Identifier: Apache-2.0
// The results document: Google Benchmark's own, with one object of ours beside it.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "bench/report/answers.hpp"
#include "bench/report/json_parts.hpp"
#include "bench/report/redact.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/run_identity.hpp"

namespace offload {
namespace {

using Json = nlohmann::ordered_json;

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

/// Of Google Benchmark's context, only what is known not to name anybody.
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

/// A line that says of itself what it is and where it is from: lines of many runs may lie together.
std::string line_of(std::string_view kind, const RunRecord& run, const Json& what) {
  Json line{{"kind", kind}, {"run", Json::object()}};
  for (const auto& [name, text] : run_identity(run)) line["run"][name] = text_or_null<Json>(text);
  line.update(what);
  return written(line, -1);
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
  Json& ours = document["offload_bench"] = part<Json>(run_json(run));
  std::map<const CaseRecord*, const Ranking*> rankings;
  const std::vector<Answer> of_run = answers(run);
  for (const Answer& answer : of_run) {
    ours["answers"].push_back(part<Json>(answer_json(answer, run.calibration)));
    for (const CaseRecord* record : answer.ranking.cases) rankings[record] = &answer.ranking;
  }
  for (const CaseRecord& record : run.cases) {
    const auto of_case = rows.find(record.name);
    const bool has_rows = of_case != rows.end() && !of_case->second.empty();
    const std::string run_name = has_rows ? of_case->second.front()->run_name : "";
    ours["cases"].push_back(part<Json>(case_json(record, run_name, rankings[&record])));
  }
  return written(document, 2);
}

std::string journal_header(const RunRecord& run) {
  if (to_be_redacted(run)) return journal_header(redacted(run));
  return written(part<Json>(run_json(run)), -1);
}

std::string journal_line(const CaseRecord& record) {
  return written(part<Json>(case_json(record, "", nullptr)), -1);
}

std::string case_line(const CaseRecord& record, const RunRecord& run) {
  if (to_be_redacted(run)) return case_line(redacted(record, run), redacted(run));
  return line_of("case", run, part<Json>(case_json(record, "", nullptr)));
}

std::string skipped_line(const SkippedCase& skipped, const RunRecord& run) {
  if (!to_be_redacted(run)) return line_of("skipped", run, part<Json>(skipped_json(skipped)));
  RunRecord alone = run;
  alone.skipped = {skipped};
  alone = redacted(alone);
  return skipped_line(alone.skipped.front(), alone);
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

std::string platform_json(const Platform& platform) {
  return written(part<Json>(machine_json(platform)), 2);
}

}  // namespace offload
