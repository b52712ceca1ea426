// SPDX-License-Identifier: Apache-2.0
// What the doctor looks at, and what it says of it, as plain data.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

struct Check {
  std::string name;  // stable: "gpu_link"
  Verdict verdict = Verdict::unknown;
  std::string what;    // what was found; of what is unknown, why
  std::string advice;  // what to do about it; only where there is something to look at
};

}  // namespace offload
