// SPDX-License-Identifier: Apache-2.0
// The answer in words: one plain sentence per workload and weight set that names the winner.
#pragma once
#include <string>
#include <vector>

#include "bench/report/standing.hpp"

namespace offload {

/// One sentence; two where policies that keep nothing on the GPU also differ by start.
std::vector<std::string> winner_sentences(const CaseGroup& group);

/// "a", "a and b", "a, b and c"; beyond `most` names "a, b and 3 others".
std::string enumerate(const std::vector<std::string>& names, std::size_t most);

}  // namespace offload
