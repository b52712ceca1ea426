// SPDX-License-Identifier: Apache-2.0
// One run from plan to results: calibrate, measure every case through Google Benchmark, keep what
// is finished on disk, report.
#pragma once
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/options.hpp"

namespace offload {

/// Returns the exit code. Throws UsageError before anything is allocated.
int run_benchmarks(const Options& options, const Catalog& catalog,
                   const std::vector<std::string>& argv);

}  // namespace offload
