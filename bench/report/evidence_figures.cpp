// SPDX-License-Identifier: Apache-2.0
#include "bench/report/evidence_figures.hpp"

#include <cstddef>
#include <vector>

#include "offload/statistics.hpp"

namespace offload {
namespace {

// Of requests: the kB that a GPU writes and reads by itself would be a part of less.
constexpr std::size_t min_link_bytes = std::size_t{1} << 20;

std::optional<double> per_gb(double quantity, const CaseRecord& record) {
  if (record.bytes.requested == 0) return std::nullopt;
  return quantity / (static_cast<double>(record.bytes.requested) / 1e9);
}

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

}  // namespace offload
