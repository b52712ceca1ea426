// SPDX-License-Identifier: Apache-2.0
// The answer in words: one plain sentence per workload and weight set that names the winner.
#pragma once
#include <string>
#include <vector>

#include "bench/report/ranking.hpp"

namespace offload {

/// "gemv of w: pinned_copy wins at 50.0 GB/s (80 % of the link), ..." or, of a model, "decode of m:
/// hybrid_split wins at 5.60 tokens/s with 1.2 GiB of GPU memory, ...". One sentence; two where
/// policies that keep nothing on the GPU also differ by start.
std::vector<std::string> winner_sentences(const Ranking& ranking);

}  // namespace offload
