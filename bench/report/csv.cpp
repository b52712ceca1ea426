// SPDX-License-Identifier: Apache-2.0
#include "bench/report/csv.hpp"

#include <array>
#include <charconv>

#include "bench/report/standing.hpp"
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
                            "failure"}) {
    columns.push_back({title});
  }
  const std::size_t width = columns.size();
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
    row.resize(width - 6);
    for (const std::size_t bytes : {record.footprint.device, record.footprint.pinned,
                                    record.footprint.managed, record.footprint.pageable}) {
      row.push_back(std::to_string(bytes));
    }
    row.push_back(record.complete ? "true" : "false");
    row.push_back(record.failure);
    table.add(std::move(row));
  }
  return table.csv();
}

}  // namespace offload
