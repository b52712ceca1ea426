// SPDX-License-Identifier: Apache-2.0
// Why a case is as fast as it is: figures that follow from its evidence, in tables and in
// sentences.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Bytes that the driver moved to the GPU, over those that the counted pass read.
std::optional<double> amplification(const CaseRecord& record);
/// CPU seconds of the driver's threads, and of this process, per 10^9 requested bytes.
std::optional<double> driver_cpu_per_gb(const CaseRecord& record);
std::optional<double> process_cpu_per_gb(const CaseRecord& record);
/// Of the whole GPU, per 10^9 requested bytes.
std::optional<double> joules_per_gb(const CaseRecord& record);
/// Payload that came over the link, over the requested bytes; nullopt unless the payload is known.
std::optional<double> link_payload_ratio(const CaseRecord& record);

/// Seconds of the median pass before reading began, and of the reading after it.
struct SetupFigures {
  double setup = 0;
  double read = 0;
};
std::optional<SetupFigures> setup_figures(const CaseRecord& record);

/// How consecutive passes went on after the first.
enum class Trend : std::uint8_t {
  unknown,  // too few passes
  even,
  faster,
  slower,
};
struct SeriesFigures {
  double first = 0;             // seconds of the first pass
  std::optional<double> early;  // mean of passes 2 and 3
  std::optional<double> late;   // mean of the last two; needs passes that are not early
  Trend trend = Trend::unknown;
};
/// Passes adapt when the late ones take this much less of the early ones' time.
inline constexpr double trend_margin = 0.1;
SeriesFigures series_figures(const PassSeries& series);
/// What the last two passes take: "as long as passes 2 and 3", "28 % less than passes 2 and 3".
std::string trend_text(const SeriesFigures& figures);

/// What each collector looks for, as tables and sentences call it.
namespace evidence_of {
inline constexpr std::string_view driver_traffic = "faults and migrations";
inline constexpr std::string_view cpu_time = "CPU time";
inline constexpr std::string_view page_faults = "page faults of this process";
inline constexpr std::string_view residency = "pages in host memory";
inline constexpr std::string_view link = "link bytes";
inline constexpr std::string_view energy = "energy";
inline constexpr std::string_view clocks = "clocks";
inline constexpr std::string_view other_work = "other work on the host";
}  // namespace evidence_of

/// Why there are no figures: "no energy, by design: ...", "energy unknown: ...".
template <typename T>
std::string absence(std::string_view what, const Observed<T>& observed) {
  const bool design = observed.state == EvidenceState::zero_by_design;
  return (design ? "no " : "") + std::string(what) + (design ? ", by design: " : " unknown: ") +
         observed.reason;
}

/// Faults, traffic, CPU time and energy of those of `rows` that have any; then set-up apart from
/// reading, and consecutive passes, where they were taken. Nothing where there is no evidence.
void write_evidence(Page& page, const std::vector<const CaseRecord*>& rows);

/// What the tables' columns mean and why some cells are empty; given once for all `cases`, as items
/// of a list.
void write_evidence_notes(Page& page, const std::vector<CaseRecord>& cases,
                          const Platform& platform);

/// Sentences with figures; one for each collector that found nothing, with the reason.
std::vector<std::string> explain(const CaseRecord& record, const RunRecord& run);

/// The same under the case's name.
void write_explained(Page& page, const CaseRecord& record, const RunRecord& run);

}  // namespace offload
