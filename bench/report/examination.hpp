// SPDX-License-Identifier: Apache-2.0
// What the doctor looks at, and what it says of it, as plain data.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/machines/published.hpp"
#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

/// What the checks look at.
struct Examination {
  Platform platform;
  Calibration calibration;   // what of it was measured
  Observed<HostState> host;  // while that was measured
  std::string failure;       // what ended it early; "" when nothing did
};

enum class Verdict : std::uint8_t { ok, look_here, unknown };
constexpr std::string_view name(Verdict verdict) {
  if (verdict == Verdict::ok) return "ok";
  return verdict == Verdict::look_here ? "look here" : "unknown";
}

/// What a figure is held against.
struct Published {
  std::string profile;  // "gh200-480gb"
  std::vector<PublishedRange> ranges;
};

struct Check {
  std::string name;  // stable: "gpu_link"
  Verdict verdict = Verdict::unknown;
  std::string what;    // what was found; of what is unknown, why
  std::string advice;  // what to do about it; only where there is something to look at
  std::vector<std::string> likely_causes = {};  // of a slow figure; the advice names them too
  std::optional<Published> published = {};      // where a profile is for this machine
};

}  // namespace offload
