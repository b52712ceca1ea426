// SPDX-License-Identifier: Apache-2.0
// Cases as rows of a database, many runs in one: offload_bench --format sql | sqlite3 all.db
#pragma once
#include <string>

#include "bench/record.hpp"

namespace offload {

/// Tables offload_cases and offload_skipped where there are none, and in one transaction a row for
/// each case of the run: run_identity(), then the columns of CSV, NULL for what a case lacks.
std::string cases_sql(const RunRecord& run);

}  // namespace offload
