// SPDX-License-Identifier: Apache-2.0
// The closing summary: a table of the cases, and one plain sentence per workload that names the
// winner. Also what the commands plan and list print.
#pragma once
#include <string>

#include "bench/catalog.hpp"
#include "bench/measure/plan.hpp"
#include "bench/record.hpp"

namespace offload {

/// In the run's --format; csv is one row of raw numbers per case, json is results_json. Ends in a
/// newline.
std::string summary_text(const RunRecord& run);
/// Policies, workloads, weights and suites that can be named.
std::string list_text(const Catalog& catalog);
/// Cases, bytes, memory per side, skipped cases with reasons, and an estimate of the time. As csv,
/// the cases alone.
std::string plan_text(const Plan& plan, const Options& options, const Platform& platform);

}  // namespace offload
