// SPDX-License-Identifier: Apache-2.0
// The closing summary: a table of the cases, and one plain sentence per workload that names the
// winner.
#pragma once
#include <string>

#include "bench/record.hpp"

namespace offload {

/// In the run's --format; csv is one row of raw numbers per case, json is results_json, sql is
/// cases_sql. Ends in a newline. Of jsonl nothing is left to say: its lines came with the cases.
/// `colored` is for a terminal, and changes nothing that is no table.
std::string summary_text(const RunRecord& run, bool colored = false);

}  // namespace offload
