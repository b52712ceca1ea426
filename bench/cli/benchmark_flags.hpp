// SPDX-License-Identifier: Apache-2.0
// What Google Benchmark is given, looked at before anything runs: it answers some of it with its
// usage and success, or only once all is set up, and some of it breaks what results promise.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace offload {

/// Throws UsageError for a flag, "--benchmark_NAME=VALUE", that cannot be passed on.
void check_benchmark_flag(const std::string& argument);

/// The same of variables of the environment, (name, value), which stand for flags: BENCHMARK_NAME.
void check_benchmark_environment(
    const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace offload
