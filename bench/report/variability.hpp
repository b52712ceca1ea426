// SPDX-License-Identifier: Apache-2.0
// What a case's time hangs on besides the program, how much runs of one build differ for it, and
// how its figures are written therefore.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/record.hpp"

namespace offload {

enum class Variability : std::uint8_t {
  gpu,     // the GPU alone works in a pass, over its own memory or the link
  driver,  // the driver faults, maps, moves or checks pages in a pass
  cpu,     // the CPU computes or copies in a pass, or is not faster at enqueueing it
};
constexpr std::string_view name(Variability kind) {
  if (kind == Variability::gpu) return "gpu";
  return kind == Variability::driver ? "driver" : "cpu";
}
Variability variability(const CaseRecord& record);

/// Standard deviation of a case's median from run to run, as a share of it. docs/compare.md says
/// where it was seen.
double run_to_run(Variability kind);
/// Figures of a case whose runs differ by more than 5 % are written with two digits and a range.
bool is_rough(const CaseRecord& record);
/// Figures of `record` by themselves, without the range: "278" or, of a rough one, "280"; "2.50
/// ms", "2.5 ms"; "50.0 GB/s", "50 GB/s".
std::string figure_text(const CaseRecord& record, double value);
std::string seconds_text(const CaseRecord& record, double seconds);
std::string rate_text(const CaseRecord& record);

/// Where the samples began and ended, if they moved by more than noise explains. What the driver or
/// the CPU takes part in shows that with ten samples and more.
std::optional<Drift> drift(const CaseRecord& record);
/// What NVML says of that: "power cap, SM clock 1965 -> 1455 MHz"; "" where it says nothing.
std::string drift_reason(const CaseRecord& record);
/// "drifts 5.69 ms -> 6.79 ms (power cap, ...)"; "" of a case that does not.
std::string drift_text(const CaseRecord& record);

/// "still migrates (a pass moves 12 % of what it reads)"; "" of a case that has settled.
std::string unsettled_text(const CaseRecord& record);

}  // namespace offload
