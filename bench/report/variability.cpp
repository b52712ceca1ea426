// SPDX-License-Identifier: Apache-2.0
#include "bench/report/variability.hpp"

#include <limits>
#include <vector>

#include "bench/core/text.hpp"

namespace offload {
namespace {

// Seconds of a pass over the link, or within one memory, that the CPU takes about as long to
// enqueue.
constexpr double short_pass = 50e-6;
// Of a pass: the driver's threads running for longer leave a mark.
constexpr double seen = 0.01;
constexpr double rough_above = 0.05;
constexpr std::size_t enough_samples = 10;

}  // namespace

Variability variability(const CaseRecord& record) {
  const double seconds =
      record.summary ? record.summary->median : std::numeric_limits<double>::infinity();
  const bool enqueued = record.path == Path::link || record.path == Path::one_memory;
  if (record.path == Path::host_memory || record.cpu_bytes > 0 || record.footprint.pageable > 0 ||
      (enqueued && seconds < short_pass)) {
    return Variability::cpu;
  }
  // A prefetch asks the driver about every page, even where nothing has to move.
  const bool prefetches = record.mechanism.find("cudaMemPrefetch") != std::string::npos ||
                          record.mechanism.find("prefetched") != std::string::npos;
  if (record.start == name(Start::cold) || prefetches) return Variability::driver;
  const auto& cpu = record.evidence.cpu.value;
  const double driver = cpu ? cpu->driver.value_or(0) : 0;
  return driver > seen * seconds ? Variability::driver : Variability::gpu;
}

double run_to_run(Variability kind) {
  if (kind == Variability::gpu) return 0.004;
  return kind == Variability::driver ? 0.15 : 0.20;
}

bool is_rough(const CaseRecord& record) { return run_to_run(variability(record)) > rough_above; }

std::string figure_text(const CaseRecord& record, double value) {
  return is_rough(record) ? two_digits(value) : three_digits(value);
}

std::string seconds_text(const CaseRecord& record, double seconds) {
  return is_rough(record) ? rough_seconds(seconds) : format_seconds(seconds);
}

std::string rate_text(const CaseRecord& record) {
  return is_rough(record) ? rough_rate(record.rate()) : format_rate(record.rate());
}

std::optional<Drift> drift(const CaseRecord& record) {
  const bool steady_kind = variability(record) == Variability::gpu;
  if (!record.failure.empty() || (!steady_kind && record.samples.size() < enough_samples)) {
    return std::nullopt;
  }
  return drift_of(record.samples);
}

std::string drift_reason(const CaseRecord& record) {
  const auto& gpu = record.evidence.gpu.value;
  if (!gpu) return "";
  std::string text;
  for (const auto* throttled : {&gpu->throttled_before, &gpu->throttled_after}) {
    if (text.empty() && *throttled && !(*throttled)->empty()) text = enumerate(**throttled);
  }
  if (gpu->sm_mhz_before && gpu->sm_mhz_after && *gpu->sm_mhz_before != *gpu->sm_mhz_after) {
    text.append(text.empty() ? "" : ", ")
        .append("SM clock " + std::to_string(*gpu->sm_mhz_before) + " -> " +
                std::to_string(*gpu->sm_mhz_after) + " MHz");
  }
  return text;
}

std::string unsettled_text(const CaseRecord& record) {
  if (!record.unsettled) return "";
  const Unsettled& found = *record.unsettled;
  std::vector<std::string> signs;
  if (found.moved_per_read && *found.moved_per_read > 0) {
    signs.push_back("a pass moves " + percent(*found.moved_per_read) + " of what it reads");
  }
  if (found.on_gpu_before && found.on_gpu_after && *found.on_gpu_before != *found.on_gpu_after) {
    signs.push_back(percent(*found.on_gpu_before) + " -> " + percent(*found.on_gpu_after) +
                    " of its pages on the GPU over the samples");
  }
  return "still migrates (" + enumerate(signs) + ')';
}

std::string drift_text(const CaseRecord& record) {
  const auto found = drift(record);
  if (!found) return "";
  const std::string reason = drift_reason(record);
  return "drifts " + format_seconds(found->first) + " -> " + format_seconds(found->last) +
         (reason.empty() ? "" : " (" + reason + ')');
}

}  // namespace offload
