// SPDX-License-Identifier: Apache-2.0
#include "bench/report/csv.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <utility>

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

using enum CellType;

// Scripts read columns by name; new ones go to the end.
constexpr std::array columns{
    CaseColumn{"name", text, [](Record record) { return record.name; }},
    CaseColumn{"workload", text, [](Record record) { return record.workload; }},
    CaseColumn{"policy", text, [](Record record) { return record.policy; }},
    CaseColumn{"weights", text, [](Record record) { return record.weights.name; }},
    CaseColumn{"start", text, [](Record record) { return record.start; }},
    CaseColumn{"path", text, [](Record record) { return std::string(name(record.path)); }},
    CaseColumn{"bytes_requested", integer, [](Record record) { return raw(record.bytes.requested); }},
    CaseColumn{"bytes_touched", integer, [](Record record) { return raw(record.bytes.touched); }},
    CaseColumn{"steps", integer, [](Record record) { return raw(record.steps); }},
    CaseColumn{"samples", integer, [](Record record) { return raw(record.samples.size()); }},
    CaseColumn{"passes_per_sample", integer, [](Record record) { return raw(record.passes_per_sample); }},
    CaseColumn{"median_s", real, of_summary<&Summary::median>},
    CaseColumn{"mean_s", real, of_summary<&Summary::mean>},
    CaseColumn{"min_s", real, of_summary<&Summary::min>},
    CaseColumn{"max_s", real, of_summary<&Summary::max>},
    CaseColumn{"p05_s", real, of_summary<&Summary::p05>},
    CaseColumn{"p25_s", real, of_summary<&Summary::p25>},
    CaseColumn{"p75_s", real, of_summary<&Summary::p75>},
    CaseColumn{"p95_s", real, of_summary<&Summary::p95>},
    CaseColumn{"p99_s", real, of_summary<&Summary::p99>},
    CaseColumn{"stddev_s", real, of_summary<&Summary::stddev>},
    CaseColumn{"coefficient_of_variation", real, of_summary<&Summary::coefficient_of_variation>},
    CaseColumn{"bytes_per_second", real, [](Record record) { return passed(record) ? raw(record.rate()) : ""; }},
    CaseColumn{"seconds_per_step", real, seconds_per_step},
    CaseColumn{"share_of_link", real, [](Record record) { return passed(record) ? raw(record.share_of_link) : ""; }},
    CaseColumn{"device_bytes", integer, of_footprint<&Footprint::device>},
    CaseColumn{"pinned_bytes", integer, of_footprint<&Footprint::pinned>},
    CaseColumn{"managed_bytes", integer, of_footprint<&Footprint::managed>},
    CaseColumn{"pageable_bytes", integer, of_footprint<&Footprint::pageable>},
    CaseColumn{"complete", boolean, [](Record record) { return raw(record.complete); }},
    CaseColumn{"failure", text, [](Record record) { return record.failure; }},
    CaseColumn{"tokens", integer, [](Record record) { return raw(record.tokens); }},
    CaseColumn{"link_bytes", integer, [](Record record) { return raw(record.link_bytes); }},
    CaseColumn{"cpu_bytes", integer, [](Record record) { return raw(record.cpu_bytes); }},
    CaseColumn{"captured", boolean, [](Record record) { return raw(record.captured); }},
    CaseColumn{"layers", integer, of_slice<&ModelSlice::layers>},
    CaseColumn{"layers_measured", integer, of_slice<&ModelSlice::layers_measured>},
    CaseColumn{"model_pass_s", real, of_model<&ModelFigures::seconds>},
    CaseColumn{"tokens_per_second_ceiling", real, of_model<&ModelFigures::tokens_per_second>},
    CaseColumn{"link_bytes_per_token", real, of_model<&ModelFigures::link_bytes_per_token>},
    CaseColumn{"overlap", real, [](Record record) { return has_model(record) ? raw(record.model->overlap) : ""; }},
    CaseColumn{"model_device_bytes", integer, of_model_memory<&Footprint::device>},
    CaseColumn{"model_pinned_bytes", integer, of_model_memory<&Footprint::pinned>},
    CaseColumn{"model_managed_bytes", integer, of_model_memory<&Footprint::managed>},
    CaseColumn{"model_pageable_bytes", integer, of_model_memory<&Footprint::pageable>},
    CaseColumn{"model_pinned_bytes_by_powers_of_two", integer, [](Record record) {
                return has_model(record) ? raw(record.model->pinned_by_powers_of_two) : "";
              }},
    CaseColumn{"um_state", text, [](Record record) { return std::string(name(record.evidence.um.state)); }},
    CaseColumn{"bytes_to_device", integer, of_moved_bytes<&UmTraffic::to_device>},
    CaseColumn{"bytes_to_host", integer, of_moved_bytes<&UmTraffic::to_host>},
    CaseColumn{"um_bytes_read", integer, of_traffic<&UmTraffic::bytes_read>},
    CaseColumn{"amplification", real, [](Record record) { return raw(amplification(record)); }},
    CaseColumn{"gpu_fault_groups", integer, of_traffic<&UmTraffic::gpu_fault_groups>},
    CaseColumn{"remote_maps", integer, of_traffic<&UmTraffic::remote_maps>},
    CaseColumn{"driver_cpu_s_per_gb", real, [](Record record) { return raw(driver_cpu_per_gb(record)); }},
    CaseColumn{"process_cpu_s_per_gb", real, [](Record record) { return raw(process_cpu_per_gb(record)); }},
    CaseColumn{"joules_per_gb", real, [](Record record) { return raw(joules_per_gb(record)); }},
    CaseColumn{"link_wire_bytes_to_device", real, [](Record record) { return raw(wire_bytes(record)); }},
    CaseColumn{"link_payload_bytes_to_device", real, [](Record record) { return raw(payload_bytes(record)); }},
    CaseColumn{"minor_page_faults", real, [](Record record) { return raw(minor_faults(record)); }},
    CaseColumn{"setup_median_s", real, [](Record record) { return raw(setup_seconds(record)); }},
    CaseColumn{"read_median_s", real, [](Record record) { return raw(read_seconds(record)); }},
    CaseColumn{"family", text, [](Record record) { return record.family; }},
    CaseColumn{"bound_by", text, [](Record record) {
                return has_bound(record) ? std::string(name(record.model->bound->by)) : "";
              }},
    CaseColumn{"bound_pass_s", real, [](Record record) {
                return has_bound(record) ? raw(record.model->bound->seconds) : "";
              }},
    CaseColumn{"share_of_memory", real, [](Record record) { return passed(record) ? raw(record.share_of_memory) : ""; }},
    CaseColumn{"times_kept", real, [](Record record) { return passed(record) ? raw(times_kept(record)) : ""; }}};

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
