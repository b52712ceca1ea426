// SPDX-License-Identifier: Apache-2.0
#include "bench/report/csv.hpp"

#include <array>
#include <charconv>

#include "bench/report/evidence_figures.hpp"
#include "bench/report/ranking.hpp"
#include "bench/report/table.hpp"

namespace offload {
namespace {

/// The shortest text that reads back as the same number.
std::string exact(double value) {
  std::array<char, 64> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::string_view path_name(Path path) {
  if (path == Path::device_memory) return "device_memory";
  return path == Path::link ? "link" : "host_memory";
}

/// Figures of the whole model; nothing for other cases.
void add_model(std::vector<std::string>& row, const CaseRecord& record) {
  if (!record.weights.slice || !record.model || !passed(record)) return;
  const ModelFigures& figures = *record.model;
  row.push_back(std::to_string(record.weights.slice->layers));
  row.push_back(std::to_string(record.weights.slice->layers_measured));
  row.push_back(exact(figures.seconds));
  row.push_back(exact(figures.tokens_per_second));
  row.push_back(exact(figures.link_bytes_per_token));
  row.push_back(figures.overlap ? exact(*figures.overlap) : "");
  for (const std::size_t bytes :
       {figures.memory.device, figures.memory.pinned, figures.memory.managed,
        figures.memory.pageable, figures.pinned_by_powers_of_two}) {
    row.push_back(std::to_string(bytes));
  }
}

std::string exact_or_empty(const std::optional<double>& value) {
  return value ? exact(*value) : "";
}

/// What was not measured is empty: um_state tells a zero by design.
void add_evidence(std::vector<std::string>& row, const CaseRecord& record) {
  const Evidence& evidence = record.evidence;
  const auto& um = evidence.um.value;
  const auto um_figure = [&um](std::size_t figure) {
    return um ? std::to_string(figure) : std::string();
  };
  const UmTraffic traffic = um.value_or(UmTraffic{});
  row.emplace_back(name(evidence.um.state));
  row.push_back(um_figure(traffic.to_device.total()));
  row.push_back(um_figure(traffic.to_host.total()));
  row.push_back(um_figure(traffic.bytes_read));
  row.push_back(exact_or_empty(amplification(record)));
  row.push_back(um_figure(traffic.gpu_fault_groups));
  row.push_back(um_figure(traffic.remote_maps));
  row.push_back(exact_or_empty(driver_cpu_per_gb(record)));
  row.push_back(exact_or_empty(process_cpu_per_gb(record)));
  row.push_back(exact_or_empty(joules_per_gb(record)));
  const auto& link = evidence.link.value;
  row.push_back(link ? exact(link->wire_to_device) : "");
  row.push_back(link ? exact_or_empty(link->payload_to_device) : "");
  row.push_back(evidence.page_faults.value ? exact(evidence.page_faults.value->minor) : "");
  const auto setup = setup_figures(record);
  row.push_back(setup ? exact(setup->setup) : "");
  row.push_back(setup ? exact(setup->read) : "");
}

}  // namespace

std::string cases_csv(const std::vector<CaseRecord>& cases) {
  std::vector<Table::Column> columns;
  for (const char* title : {"name",
                            "workload",
                            "policy",
                            "weights",
                            "start",
                            "path",
                            "bytes_requested",
                            "bytes_touched",
                            "steps",
                            "samples",
                            "passes_per_sample",
                            "median_s",
                            "mean_s",
                            "min_s",
                            "max_s",
                            "p05_s",
                            "p25_s",
                            "p75_s",
                            "p95_s",
                            "p99_s",
                            "stddev_s",
                            "coefficient_of_variation",
                            "bytes_per_second",
                            "seconds_per_step",
                            "share_of_link",
                            "device_bytes",
                            "pinned_bytes",
                            "managed_bytes",
                            "pageable_bytes",
                            "complete",
                            "failure",
                            "tokens",
                            "link_bytes",
                            "cpu_bytes",
                            "captured",
                            "layers",
                            "layers_measured",
                            "model_pass_s",
                            "tokens_per_second_ceiling",
                            "link_bytes_per_token",
                            "overlap",
                            "model_device_bytes",
                            "model_pinned_bytes",
                            "model_managed_bytes",
                            "model_pageable_bytes",
                            "model_pinned_bytes_by_powers_of_two",
                            "um_state",
                            "bytes_to_device",
                            "bytes_to_host",
                            "um_bytes_read",
                            "amplification",
                            "gpu_fault_groups",
                            "remote_maps",
                            "driver_cpu_s_per_gb",
                            "process_cpu_s_per_gb",
                            "joules_per_gb",
                            "link_wire_bytes_to_device",
                            "link_payload_bytes_to_device",
                            "minor_page_faults",
                            "setup_median_s",
                            "read_median_s"}) {
    columns.push_back({title});
  }
  const std::size_t width = columns.size();
  constexpr std::size_t evidence_columns = 15;   // um_state and what follows
  constexpr std::size_t first_after_rates = 25;  // device_bytes
  Table table(std::move(columns));
  for (const auto& record : cases) {
    std::vector<std::string> row{record.name,
                                 record.workload,
                                 record.policy,
                                 record.weights.name,
                                 record.start,
                                 std::string(path_name(record.path)),
                                 std::to_string(record.bytes.requested),
                                 std::to_string(record.bytes.touched),
                                 std::to_string(record.steps),
                                 std::to_string(record.samples.size()),
                                 std::to_string(record.passes_per_sample)};
    if (passed(record)) {
      const Summary& s = *record.summary;
      for (const double value : {s.median, s.mean, s.min, s.max, s.p05, s.p25, s.p75, s.p95, s.p99,
                                 s.stddev, s.coefficient_of_variation, record.rate()}) {
        row.push_back(exact(value));
      }
      row.push_back(record.steps > 0 ? exact(s.median / static_cast<double>(record.steps)) : "");
      row.push_back(record.share_of_link ? exact(*record.share_of_link) : "");
    }
    row.resize(first_after_rates);
    for (const std::size_t bytes : {record.footprint.device, record.footprint.pinned,
                                    record.footprint.managed, record.footprint.pageable}) {
      row.push_back(std::to_string(bytes));
    }
    row.push_back(record.complete ? "true" : "false");
    row.push_back(record.failure);
    row.push_back(std::to_string(record.tokens));
    row.push_back(std::to_string(record.link_bytes));
    row.push_back(std::to_string(record.cpu_bytes));
    row.push_back(record.captured ? "true" : "false");
    add_model(row, record);
    row.resize(width - evidence_columns);
    add_evidence(row, record);
    table.add(std::move(row));
  }
  return table.csv();
}

}  // namespace offload
