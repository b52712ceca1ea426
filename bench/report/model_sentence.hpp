// SPDX-License-Identifier: Apache-2.0
// The answer for passes over whole models: which policy that offloads wins, and what it costs.
#pragma once
#include <string>
#include <vector>

#include "bench/report/standing.hpp"

namespace offload {

/// "hybrid_split wins at 5.6 tokens/s with 1.2 GiB of GPU memory, pinned_ring_copy is 1.60x slower
/// at 3.5 tokens/s with 1.1 GiB of GPU memory". `ranked` is not empty; all have model figures.
std::string model_winners(const std::vector<const CaseRecord*>& ranked);

/// "; with all weights resident 230 tokens/s in 16 GiB of GPU memory"; "" without a bound.
std::string model_bound(const CaseRecord* bound);

/// "; no engine flag selects hybrid_split", or "; engine flags of pinned_zero_copy: vLLM ...".
std::string selected_by(const CaseRecord& best);

}  // namespace offload
