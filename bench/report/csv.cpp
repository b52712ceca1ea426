// SPDX-License-Identifier: Apache-2.0
#include "bench/report/csv.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
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

struct CsvColumn {
  const char* name;
  std::string (*text)(Record);
};

// Scripts read columns by name; new ones go to the end.
constexpr std::array columns{
    CsvColumn{"name", [](Record record) { return record.name; }},
    CsvColumn{"workload", [](Record record) { return record.workload; }},
    CsvColumn{"policy", [](Record record) { return record.policy; }},
    CsvColumn{"weights", [](Record record) { return record.weights.name; }},
    CsvColumn{"start", [](Record record) { return record.start; }},
    CsvColumn{"path", [](Record record) { return std::string(name(record.path)); }},
    CsvColumn{"bytes_requested", [](Record record) { return raw(record.bytes.requested); }},
    CsvColumn{"bytes_touched", [](Record record) { return raw(record.bytes.touched); }},
    CsvColumn{"steps", [](Record record) { return raw(record.steps); }},
    CsvColumn{"samples", [](Record record) { return raw(record.samples.size()); }},
    CsvColumn{"passes_per_sample", [](Record record) { return raw(record.passes_per_sample); }},
    CsvColumn{"median_s", of_summary<&Summary::median>},
    CsvColumn{"mean_s", of_summary<&Summary::mean>},
    CsvColumn{"min_s", of_summary<&Summary::min>},
    CsvColumn{"max_s", of_summary<&Summary::max>},
    CsvColumn{"p05_s", of_summary<&Summary::p05>},
    CsvColumn{"p25_s", of_summary<&Summary::p25>},
    CsvColumn{"p75_s", of_summary<&Summary::p75>},
    CsvColumn{"p95_s", of_summary<&Summary::p95>},
    CsvColumn{"p99_s", of_summary<&Summary::p99>},
    CsvColumn{"stddev_s", of_summary<&Summary::stddev>},
    CsvColumn{"coefficient_of_variation", of_summary<&Summary::coefficient_of_variation>},
    CsvColumn{"bytes_per_second",
              [](Record record) { return passed(record) ? raw(record.rate()) : ""; }},
    CsvColumn{"seconds_per_step", seconds_per_step},
    CsvColumn{"share_of_link",
              [](Record record) { return passed(record) ? raw(record.share_of_link) : ""; }},
    CsvColumn{"device_bytes", of_footprint<&Footprint::device>},
    CsvColumn{"pinned_bytes", of_footprint<&Footprint::pinned>},
    CsvColumn{"managed_bytes", of_footprint<&Footprint::managed>},
    CsvColumn{"pageable_bytes", of_footprint<&Footprint::pageable>},
    CsvColumn{"complete", [](Record record) { return raw(record.complete); }},
    CsvColumn{"failure", [](Record record) { return record.failure; }},
    CsvColumn{"tokens", [](Record record) { return raw(record.tokens); }},
    CsvColumn{"link_bytes", [](Record record) { return raw(record.link_bytes); }},
    CsvColumn{"cpu_bytes", [](Record record) { return raw(record.cpu_bytes); }},
    CsvColumn{"captured", [](Record record) { return raw(record.captured); }},
    CsvColumn{"layers", of_slice<&ModelSlice::layers>},
    CsvColumn{"layers_measured", of_slice<&ModelSlice::layers_measured>},
    CsvColumn{"model_pass_s", of_model<&ModelFigures::seconds>},
    CsvColumn{"tokens_per_second_ceiling", of_model<&ModelFigures::tokens_per_second>},
    CsvColumn{"link_bytes_per_token", of_model<&ModelFigures::link_bytes_per_token>},
    CsvColumn{"overlap",
              [](Record record) { return has_model(record) ? raw(record.model->overlap) : ""; }},
    CsvColumn{"model_device_bytes", of_model_memory<&Footprint::device>},
    CsvColumn{"model_pinned_bytes", of_model_memory<&Footprint::pinned>},
    CsvColumn{"model_managed_bytes", of_model_memory<&Footprint::managed>},
    CsvColumn{"model_pageable_bytes", of_model_memory<&Footprint::pageable>},
    CsvColumn{"model_pinned_bytes_by_powers_of_two",
              [](Record record) {
                return has_model(record) ? raw(record.model->pinned_by_powers_of_two) : "";
              }},
    CsvColumn{"um_state",
              [](Record record) { return std::string(name(record.evidence.um.state)); }},
    CsvColumn{"bytes_to_device", of_moved_bytes<&UmTraffic::to_device>},
    CsvColumn{"bytes_to_host", of_moved_bytes<&UmTraffic::to_host>},
    CsvColumn{"um_bytes_read", of_traffic<&UmTraffic::bytes_read>},
    CsvColumn{"amplification", [](Record record) { return raw(amplification(record)); }},
    CsvColumn{"gpu_fault_groups", of_traffic<&UmTraffic::gpu_fault_groups>},
    CsvColumn{"remote_maps", of_traffic<&UmTraffic::remote_maps>},
    CsvColumn{"driver_cpu_s_per_gb", [](Record record) { return raw(driver_cpu_per_gb(record)); }},
    CsvColumn{"process_cpu_s_per_gb",
              [](Record record) { return raw(process_cpu_per_gb(record)); }},
    CsvColumn{"joules_per_gb", [](Record record) { return raw(joules_per_gb(record)); }},
    CsvColumn{"link_wire_bytes_to_device", [](Record record) { return raw(wire_bytes(record)); }},
    CsvColumn{"link_payload_bytes_to_device",
              [](Record record) { return raw(payload_bytes(record)); }},
    CsvColumn{"minor_page_faults", [](Record record) { return raw(minor_faults(record)); }},
    CsvColumn{"setup_median_s", [](Record record) { return raw(setup_seconds(record)); }},
    CsvColumn{"read_median_s", [](Record record) { return raw(read_seconds(record)); }},
    CsvColumn{"family", [](Record record) { return record.family; }},
    CsvColumn{"bound_by", [](Record record) {
                return has_bound(record) ? std::string(name(record.model->bound->by)) : "";
              }},
    CsvColumn{"bound_pass_s", [](Record record) {
                return has_bound(record) ? raw(record.model->bound->seconds) : "";
              }}};

}  // namespace

std::string cases_csv(const std::vector<CaseRecord>& cases) {
  std::vector<Table::Column> titles;
  titles.reserve(columns.size());
  for (const CsvColumn& column : columns) titles.push_back({column.name});
  Table table(std::move(titles));
  for (const CaseRecord& record : cases) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const CsvColumn& column : columns) cells.push_back(column.text(record));
    table.add(std::move(cells));
  }
  return table.csv();
}

}  // namespace offload
