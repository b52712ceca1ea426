// SPDX-License-Identifier: Apache-2.0
#include "bench/report/evidence.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/core/text.hpp"
#include "bench/platform/access_counters.hpp"
#include "offload/statistics.hpp"

namespace offload {
namespace {

// Of requests: the kB that a GPU writes and reads by itself would be a part of less.
constexpr std::size_t min_link_bytes = std::size_t{1} << 20;

std::optional<double> per_gb(double quantity, const CaseRecord& record) {
  if (record.bytes.requested == 0) return std::nullopt;
  return quantity / (static_cast<double>(record.bytes.requested) / 1e9);
}

using Align = Table::Align;
using Rows = std::vector<const CaseRecord*>;

constexpr const char* by_design = "0*";
constexpr const char* unknown = "-";

/// A row that only repeats a zero by design would not help anybody.
bool has_news(const CaseRecord& record) {
  return record.failure.empty() &&
         (record.evidence.um.value || driver_cpu_per_gb(record).value_or(0) > 0 ||
          joules_per_gb(record) || link_payload_ratio(record));
}

std::string um_cell(const CaseRecord& record, std::size_t UmTraffic::*figure) {
  const Observed<UmTraffic>& um = record.evidence.um;
  if (um.value) return std::to_string((*um.value).*figure);
  return um.state == EvidenceState::zero_by_design ? by_design : unknown;
}

/// "67.1/67.1": what faults and maps are to be held against as well.
std::string moved_cell(const CaseRecord& record) {
  const Observed<UmTraffic>& um = record.evidence.um;
  if (!um.value) return um.state == EvidenceState::zero_by_design ? by_design : unknown;
  const auto megabytes = [](std::size_t bytes) {
    return bytes == 0 ? "0" : three_digits(static_cast<double>(bytes) / 1e6);
  };
  return megabytes(um.value->to_device.total()) + '/' + megabytes(um.value->bytes_read);
}

std::string cell(const std::optional<double>& value, std::string (*text)(double)) {
  return value ? text(*value) : unknown;
}

/// The difference of two counters is good to a few kB, and may be as many below zero.
std::string counted(double value) { return value < 0.001 ? "0" : three_digits(value); }

/// Columns that no row has anything for are left out.
Table evidence_table(const Rows& rows) {
  const auto any = [&](std::optional<double> (*figure)(const CaseRecord&)) {
    return std::ranges::any_of(
        rows, [&](const CaseRecord* record) { return figure(*record).has_value(); });
  };
  const bool driver = any(driver_cpu_per_gb);
  const bool energy = any(joules_per_gb);
  const bool link = any(link_payload_ratio);
  std::vector<Table::Column> columns{{"why: policy"},
                                     {"start"},
                                     {"faults", Align::right},
                                     {"MB moved/read", Align::right},
                                     {"maps", Align::right}};
  if (driver) columns.push_back({"driver s/GB", Align::right});
  if (energy) columns.push_back({"J/GB", Align::right});
  if (link) columns.push_back({"link/read", Align::right});
  Table table(std::move(columns));
  for (const CaseRecord* record : rows) {
    std::vector<std::string> cells{record->policy, record->start,
                                   um_cell(*record, &UmTraffic::gpu_fault_groups),
                                   moved_cell(*record), um_cell(*record, &UmTraffic::remote_maps)};
    if (driver) cells.push_back(cell(driver_cpu_per_gb(*record), ratio_text));
    if (energy) cells.push_back(cell(joules_per_gb(*record), three_digits));
    if (link) cells.push_back(cell(link_payload_ratio(*record), counted));
    table.add(std::move(cells));
  }
  return table;
}

void write_setup(Page& page, const Rows& rows) {
  Table table({{"set-up: policy"},
               {"start"},
               {"set-up", Align::right},
               {"read", Align::right},
               {"set-up %", Align::right}});
  for (const CaseRecord* record : rows) {
    const auto figures = setup_figures(*record);
    if (!figures || !record->failure.empty()) continue;
    table.add({record->policy, record->start, format_seconds(figures->setup),
               format_seconds(figures->read),
               percent_number(figures->setup / (figures->setup + figures->read))});
  }
  if (!table.empty()) page.table(table);
}

/// Of the pages, behind the first pass and behind the last: "0 %", "0 % .. 75 %".
std::string on_gpu_text(const std::vector<double>& shares) {
  if (shares.empty()) return "-";
  const std::string first = percent(shares.front());
  const std::string last = percent(shares.back());
  return first == last ? first : first + " .. " + last;
}

void write_series(Page& page, const Rows& rows) {
  Table table({{"consecutive passes: policy"},
               {"start"},
               {"first", Align::right},
               {"2-3", Align::right},
               {"last two", Align::right},
               {"on the GPU", Align::right},
               {"the last two take"}});
  for (const CaseRecord* record : rows) {
    if (!record->series || !record->failure.empty()) continue;
    const SeriesFigures figures = series_figures(*record->series);
    table.add({record->policy, record->start, format_seconds(figures.first),
               cell(figures.early, format_seconds), cell(figures.late, format_seconds),
               on_gpu_text(record->series->on_gpu), trend_text(figures)});
  }
  if (!table.empty()) page.table(table);
}

/// Why collectors that could have had something to show have nothing, and for which policies.
class Reasons {
 public:
  template <typename T>
  void add(std::string_view what, const CaseRecord& record, const Observed<T>& found) {
    if (found.state != EvidenceState::unavailable) return;
    std::vector<std::string>& policies = reasons_[absence(what, found)];
    if (std::ranges::find(policies, record.policy) == policies.end()) {
      policies.push_back(record.policy);
    }
  }
  void write(Page& page) const {
    constexpr std::size_t max_names = 4;
    for (const auto& [reason, policies] : reasons_) {
      page.item(enumerate(policies, max_names) + ": " + reason);
    }
  }

 private:
  std::map<std::string, std::vector<std::string>> reasons_;  // and the policies they hold for
};

}  // namespace

std::optional<double> amplification(const CaseRecord& record) {
  const auto& um = record.evidence.um.value;
  if (!um || um->bytes_read == 0) return std::nullopt;
  return static_cast<double>(um->to_device.total()) / static_cast<double>(um->bytes_read);
}

std::optional<double> driver_cpu_per_gb(const CaseRecord& record) {
  const auto& cpu = record.evidence.cpu.value;
  if (!cpu || !cpu->driver) return std::nullopt;
  return per_gb(*cpu->driver, record);
}

std::optional<double> process_cpu_per_gb(const CaseRecord& record) {
  const auto& cpu = record.evidence.cpu.value;
  return cpu ? per_gb(cpu->process, record) : std::nullopt;
}

std::optional<double> joules_per_gb(const CaseRecord& record) {
  const auto& energy = record.evidence.energy.value;
  return energy ? per_gb(energy->joules, record) : std::nullopt;
}

std::optional<double> link_payload_ratio(const CaseRecord& record) {
  const auto& link = record.evidence.link.value;
  if (!link || !link->payload_to_device || record.bytes.requested < min_link_bytes) {
    return std::nullopt;
  }
  return *link->payload_to_device / static_cast<double>(record.bytes.requested);
}

std::optional<SetupFigures> setup_figures(const CaseRecord& record) {
  // Each part belongs to the sample of the same index.
  const std::size_t count = record.setup_samples.size();
  if (count == 0 || count != record.samples.size()) return std::nullopt;
  std::vector<double> reads;
  reads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    reads.push_back(record.samples[i] - record.setup_samples[i]);
  }
  return SetupFigures{percentile(record.setup_samples, 50), percentile(reads, 50)};
}

SeriesFigures series_figures(const PassSeries& series) {
  constexpr std::size_t early_end = 3;
  constexpr std::size_t late_count = 2;
  const std::vector<double>& seconds = series.seconds;
  SeriesFigures figures;
  if (seconds.empty()) return figures;
  figures.first = seconds.front();
  if (seconds.size() >= early_end) figures.early = (seconds[1] + seconds[2]) / 2;
  if (seconds.size() < early_end + late_count) return figures;
  figures.late = (seconds[seconds.size() - 2] + seconds.back()) / 2;
  figures.trend = Trend::even;
  if (*figures.late < (1 - trend_margin) * *figures.early) figures.trend = Trend::faster;
  if (*figures.late > (1 + trend_margin) * *figures.early) figures.trend = Trend::slower;
  return figures;
}

std::string trend_text(const SeriesFigures& figures) {
  const std::string early = "passes 2 and 3";
  switch (figures.trend) {
    case Trend::even:
      return "as long as " + early;
    case Trend::faster:
      return percent(1 - *figures.late / *figures.early) + " less than " + early;
    case Trend::slower:
      return percent(*figures.late / *figures.early - 1) + " more than " + early;
    case Trend::unknown:
      break;
  }
  return "too few passes to say";
}

void write_evidence(Page& page, const Rows& rows) {
  Rows rows_with_news;
  std::ranges::copy_if(rows, std::back_inserter(rows_with_news),
                       [](const CaseRecord* record) { return has_news(*record); });
  if (!rows_with_news.empty()) page.table(evidence_table(rows_with_news));
  write_setup(page, rows);
  write_series(page, rows);
}

void write_evidence_notes(Page& page, const std::vector<CaseRecord>& cases,
                          const Platform& platform) {
  bool any = false;
  bool zero = false;
  bool driver = false;
  bool energy = false;
  bool link = false;
  Reasons reasons;
  for (const CaseRecord& record : cases) {
    if (!has_news(record)) continue;
    any = true;
    zero |= record.evidence.um.state == EvidenceState::zero_by_design;
    driver |= driver_cpu_per_gb(record).has_value();
    energy |= joules_per_gb(record).has_value();
    link |= link_payload_ratio(record).has_value();
  }
  if (any) {
    std::string text =
        "why: what the driver did while it was counted over a pass or a part of one. faults: "
        "groups of GPU page faults. MB moved/read: what it moved to the GPU, and what was read. "
        "maps: "
        "regions mapped to be read over the link.";
    if (driver) text += " driver s/GB: CPU time of its threads per 10^9 bytes of a pass.";
    if (energy) text += " J/GB: energy of the whole GPU, over the same bytes.";
    if (link) text += " link/read: payload that came over the link, over the bytes asked for.";
    if (zero) text += " 0*: zero by design: the driver has nothing to do there.";
    page.item(text);
    for (const CaseRecord& record : cases) {
      if (!has_news(record)) continue;
      reasons.add(evidence_of::driver_traffic, record, record.evidence.um);
      reasons.add(evidence_of::cpu_time, record, record.evidence.cpu);
      if (energy) reasons.add(evidence_of::energy, record, record.evidence.energy);
      if (link) reasons.add(evidence_of::link, record, record.evidence.link);
    }
    reasons.write(page);
    if (!driver) {
      page.item("CPU time of the driver unknown: none of its kernel threads is visible from here");
    }
  }
  const bool series = std::ranges::any_of(
      cases, [](const CaseRecord& record) { return record.series.has_value(); });
  if (series) {
    page.item(
        "consecutive passes: nothing is reset between them; a mean of the last two more than " +
        percent(trend_margin) + " off that of passes 2 and 3 counts as a change" +
        (platform.gpu ? "; " + text_of(access_counters(platform)) : ""));
  }
}

}  // namespace offload
