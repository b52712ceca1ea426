// SPDX-License-Identifier: Apache-2.0
// What follows from the evidence of a case by arithmetic. nullopt wherever a part is not measured.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bench/record.hpp"

namespace offload {

inline constexpr std::array<std::string_view, 3> evidence_state_names{"measured", "zero by design",
                                                                      "unavailable"};
constexpr std::string_view name(EvidenceState state) {
  return evidence_state_names[static_cast<std::size_t>(state)];
}

/// Bytes that the driver moved to the GPU, over those that the counted pass read.
std::optional<double> amplification(const CaseRecord& record);
/// CPU seconds of the driver's threads, and of this process, per 10^9 requested bytes.
std::optional<double> driver_cpu_per_gb(const CaseRecord& record);
std::optional<double> process_cpu_per_gb(const CaseRecord& record);
/// Of the whole GPU, per 10^9 requested bytes.
std::optional<double> joules_per_gb(const CaseRecord& record);
/// Payload that came over the link, over the requested bytes; nullopt unless the payload is told.
std::optional<double> link_payload_ratio(const CaseRecord& record);

/// Seconds of the median pass before reading began, and of the reading behind it.
struct SetupFigures {
  double setup = 0;
  double read = 0;
};
std::optional<SetupFigures> setup_figures(const CaseRecord& record);

/// How passes on end went on after the first.
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

}  // namespace offload
