// SPDX-License-Identifier: Apache-2.0
// What it costs to be measured together, for people: of runs on several GPUs.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bench/report/answers.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// "gemv of w, together on GPUs 0+1: pinned_copy and 3 others keep 99 % or more of what each GPU
/// reaches alone; host_compute keeps 52 %."; nullopt where nothing was measured together.
std::optional<std::string> together_sentence(const Ranking& ranking);

/// What each GPU can do, and all of them at the same time.
void write_gpus(Page& page, const RunRecord& run);
/// Of `rankings`, those of one label and weights, one for each set of GPUs: a table of what each
/// policy gives on each GPU alone and on several together.
void write_sets(Page& page, const std::vector<const Ranking*>& rankings);

}  // namespace offload
