// SPDX-License-Identifier: Apache-2.0
#include "bench/report/csv.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <utility>

#include "bench/measure/gpu_sets.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/evidence.hpp"
#include "bench/report/page.hpp"

namespace offload {
namespace {

/// Shortest text that reads back as the same number.
std::string raw(double value) {
  std::array<char, 64> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::string raw(std::integral auto value) { return std::to_string(value); }

std::string raw(bool value) { return value ? "true" : "false"; }

/// What was not measured is empty.
template <typename T>
std::string raw(const std::optional<T>& value) {
  return value ? raw(*value) : "";
}

using Record = const CaseRecord&;

/// Figures of a case that passed.
template <double Summary::*figure>
std::string of_summary(Record record) {
  return passed(record) ? raw((*record.summary).*figure) : "";
}

template <std::size_t Footprint::*kind>
std::string of_footprint(Record record) {
  return raw(record.footprint.*kind);
}

/// Figures of the whole model, for passes over one that passed.
bool has_model(Record record) { return record.weights.slice && record.model && passed(record); }

bool has_bound(Record record) { return has_model(record) && record.model->bound; }

template <auto figure>
std::string of_model(Record record) {
  return has_model(record) ? raw((*record.model).*figure) : "";
}

template <std::size_t Footprint::*kind>
std::string of_model_memory(Record record) {
  return has_model(record) ? raw(record.model->memory.*kind) : "";
}

template <std::size_t ModelSlice::*figure>
std::string of_slice(Record record) {
  return has_model(record) ? raw((*record.weights.slice).*figure) : "";
}

/// Traffic that was counted; um_state distinguishes what was not counted from a zero by design.
template <std::size_t UmTraffic::*figure>
std::string of_traffic(Record record) {
  const auto& um = record.evidence.um.value;
  return um ? raw((*um).*figure) : "";
}

template <auto figure>
std::string of_beside(Record record) {
  return record.beside ? raw((*record.beside).*figure) : "";
}

template <BytesByCause UmTraffic::*direction>
std::string of_moved_bytes(Record record) {
  const auto& um = record.evidence.um.value;
  return um ? raw(((*um).*direction).total()) : "";
}

std::string seconds_per_step(Record record) {
  if (!passed(record) || record.steps == 0) return "";
  return raw(record.summary->median / static_cast<double>(record.steps));
}

std::optional<double> wire_bytes(Record record) {
  const auto& link = record.evidence.link.value;
  return link ? std::optional(link->wire_to_device) : std::nullopt;
}

std::optional<double> payload_bytes(Record record) {
  const auto& link = record.evidence.link.value;
  return link ? link->payload_to_device : std::nullopt;
}

std::optional<double> minor_faults(Record record) {
  const auto& faults = record.evidence.page_faults.value;
  return faults ? std::optional(faults->minor) : std::nullopt;
}

std::optional<double> setup_seconds(Record record) {
  const auto figures = setup_figures(record);
  return figures ? std::optional(figures->setup) : std::nullopt;
}

std::optional<double> read_seconds(Record record) {
  const auto figures = setup_figures(record);
  return figures ? std::optional(figures->read) : std::nullopt;
}

using CellText = std::string (*)(Record);

constexpr CaseColumn text_column(const char* name, CellText text) {
  return {name, CellType::text, text};
}
constexpr CaseColumn integer_column(const char* name, CellText text) {
  return {name, CellType::integer, text};
}
constexpr CaseColumn real_column(const char* name, CellText text) {
  return {name, CellType::real, text};
}
constexpr CaseColumn boolean_column(const char* name, CellText text) {
  return {name, CellType::boolean, text};
}

// Scripts read columns by name; new ones go to the end.
constexpr std::array columns{
    text_column("name", [](Record record) { return record.name; }),
    text_column("workload", [](Record record) { return record.workload; }),
    text_column("policy", [](Record record) { return record.policy; }),
    text_column("weights", [](Record record) { return record.weights.name; }),
    text_column("start", [](Record record) { return record.start; }),
    text_column("path", [](Record record) { return std::string(name(record.path)); }),
    integer_column("bytes_requested", [](Record record) { return raw(record.bytes.requested); }),
    integer_column("bytes_touched", [](Record record) { return raw(record.bytes.touched); }),
    integer_column("steps", [](Record record) { return raw(record.steps); }),
    integer_column("samples", [](Record record) { return raw(record.samples.size()); }),
    integer_column("passes_per_sample",
                   [](Record record) { return raw(record.passes_per_sample); }),
    real_column("median_s", of_summary<&Summary::median>),
    real_column("mean_s", of_summary<&Summary::mean>),
    real_column("min_s", of_summary<&Summary::min>),
    real_column("max_s", of_summary<&Summary::max>),
    real_column("p05_s", of_summary<&Summary::p05>),
    real_column("p25_s", of_summary<&Summary::p25>),
    real_column("p75_s", of_summary<&Summary::p75>),
    real_column("p95_s", of_summary<&Summary::p95>),
    real_column("p99_s", of_summary<&Summary::p99>),
    real_column("stddev_s", of_summary<&Summary::stddev>),
    real_column("coefficient_of_variation", of_summary<&Summary::coefficient_of_variation>),
    real_column("bytes_per_second",
                [](Record record) { return passed(record) ? raw(record.rate()) : ""; }),
    real_column("seconds_per_step", seconds_per_step),
    real_column("share_of_link",
                [](Record record) { return passed(record) ? raw(record.share_of_link) : ""; }),
    integer_column("device_bytes", of_footprint<&Footprint::device>),
    integer_column("pinned_bytes", of_footprint<&Footprint::pinned>),
    integer_column("managed_bytes", of_footprint<&Footprint::managed>),
    integer_column("pageable_bytes", of_footprint<&Footprint::pageable>),
    boolean_column("complete", [](Record record) { return raw(record.complete); }),
    text_column("failure", [](Record record) { return record.failure; }),
    integer_column("tokens", [](Record record) { return raw(record.tokens); }),
    integer_column("link_bytes", [](Record record) { return raw(record.link_bytes); }),
    integer_column("cpu_bytes", [](Record record) { return raw(record.cpu_bytes); }),
    boolean_column("captured", [](Record record) { return raw(record.captured); }),
    integer_column("layers", of_slice<&ModelSlice::layers>),
    integer_column("layers_measured", of_slice<&ModelSlice::layers_measured>),
    real_column("model_pass_s", of_model<&ModelFigures::seconds>),
    real_column("tokens_per_second_ceiling", of_model<&ModelFigures::tokens_per_second>),
    real_column("link_bytes_per_token", of_model<&ModelFigures::link_bytes_per_token>),
    real_column("overlap",
                [](Record record) { return has_model(record) ? raw(record.model->overlap) : ""; }),
    integer_column("model_device_bytes", of_model_memory<&Footprint::device>),
    integer_column("model_pinned_bytes", of_model_memory<&Footprint::pinned>),
    integer_column("model_managed_bytes", of_model_memory<&Footprint::managed>),
    integer_column("model_pageable_bytes", of_model_memory<&Footprint::pageable>),
    integer_column("model_pinned_bytes_by_powers_of_two",
                   [](Record record) {
                     return has_model(record) ? raw(record.model->pinned_by_powers_of_two) : "";
                   }),
    text_column("um_state",
                [](Record record) { return std::string(name(record.evidence.um.state)); }),
    integer_column("bytes_to_device", of_moved_bytes<&UmTraffic::to_device>),
    integer_column("bytes_to_host", of_moved_bytes<&UmTraffic::to_host>),
    integer_column("um_bytes_read", of_traffic<&UmTraffic::bytes_read>),
    real_column("amplification", [](Record record) { return raw(amplification(record)); }),
    integer_column("gpu_fault_groups", of_traffic<&UmTraffic::gpu_fault_groups>),
    integer_column("remote_maps", of_traffic<&UmTraffic::remote_maps>),
    real_column("driver_cpu_s_per_gb",
                [](Record record) { return raw(driver_cpu_per_gb(record)); }),
    real_column("process_cpu_s_per_gb",
                [](Record record) { return raw(process_cpu_per_gb(record)); }),
    real_column("joules_per_gb", [](Record record) { return raw(joules_per_gb(record)); }),
    real_column("link_wire_bytes_to_device", [](Record record) { return raw(wire_bytes(record)); }),
    real_column("link_payload_bytes_to_device",
                [](Record record) { return raw(payload_bytes(record)); }),
    real_column("minor_page_faults", [](Record record) { return raw(minor_faults(record)); }),
    real_column("setup_median_s", [](Record record) { return raw(setup_seconds(record)); }),
    real_column("read_median_s", [](Record record) { return raw(read_seconds(record)); }),
    text_column("family", [](Record record) { return record.family; }),
    text_column("bound_by",
                [](Record record) {
                  return has_bound(record) ? std::string(name(record.model->bound->by)) : "";
                }),
    real_column(
        "bound_pass_s",
        [](Record record) { return has_bound(record) ? raw(record.model->bound->seconds) : ""; }),
    real_column("share_of_memory",
                [](Record record) { return passed(record) ? raw(record.share_of_memory) : ""; }),
    real_column("times_kept",
                [](Record record) { return passed(record) ? raw(times_kept(record)) : ""; }),
    text_column("gpus", [](Record record) { return gpus_text(record.gpus); }),
    real_column("together_alone_bytes_per_second",
                [](Record record) { return record.together ? raw(record.together->alone) : ""; }),
    real_column("together_ratio",
                [](Record record) { return record.together ? raw(record.together->ratio) : ""; }),
    integer_column("tensor_parallel",
                   [](Record record) { return raw(record.weights.tensor_parallel); }),
    text_column("beside", [](Record record) { return record.beside ? record.beside->kind : ""; }),
    real_column("beside_pace", of_beside<&CaseBeside::pace>),
    real_column("beside_ratio", of_beside<&CaseBeside::ratio>),
    real_column("traffic_alone_bytes_per_second", of_beside<&CaseBeside::traffic_alone>),
    real_column("traffic_bytes_per_second", of_beside<&CaseBeside::traffic>)};

}  // namespace

std::span<const CaseColumn> case_columns() { return columns; }

std::string cases_csv(const std::vector<CaseRecord>& cases) {
  std::vector<Table::Column> titles;
  titles.reserve(columns.size());
  for (const CaseColumn& column : columns) titles.push_back({column.name});
  Table table(std::move(titles));
  for (const CaseRecord& record : cases) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const CaseColumn& column : columns) cells.push_back(column.text(record));
    table.add(std::move(cells));
  }
  return table.csv();
}

}  // namespace offload
