// SPDX-License-Identifier: Apache-2.0
// One run from plan to results: calibrate, measure every case through Google Benchmark, keep what
// is finished on disk, report.
#pragma once
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/options.hpp"
#include "offload/platform.hpp"

namespace offload {

/// The machine as each GPU that `options` choose has it, by itself; one without a GPU where there
/// is none. Throws UsageError.
std::vector<Platform> find_machines(const Options& options);

/// Returns the exit code. Throws UsageError before anything is allocated.
int run_benchmarks(const Options& options, const Catalog& catalog,
                   const std::vector<std::string>& argv);

}  // namespace offload
