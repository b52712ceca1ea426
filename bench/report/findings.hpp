// SPDX-License-Identifier: Apache-2.0
// What makes the figures of a run less than they seem: a busy machine, drifting cases, clocks held
// down, a link below what GPU and slot can do. Worked out once; the summary begins with it, the
// results hold it, and the report shows it from there.
#pragma once
#include <string>
#include <vector>

#include "bench/record.hpp"

namespace offload {

struct Finding {
  std::string check;  // "busy_machine", "drift", "throttled", "slow_link", "rate_above_link",
                      // "prediction"
  std::string text;   // a sentence with figures, and what to do about it
  std::vector<std::string> cases;  // names of those it shows in; may be none
};

std::vector<Finding> findings(const RunRecord& run);

}  // namespace offload
