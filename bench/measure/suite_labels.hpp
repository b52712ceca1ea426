// SPDX-License-Identifier: Apache-2.0
// Which workloads a run has, and with which value of their parameter, as benchmark names have them.
#pragma once
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/suites.hpp"
#include "bench/options.hpp"

namespace offload {

/// Of all the suite's items, once each.
std::vector<std::string> labels_of(const Suite& suite);

/// The suite's, or those the options name, with the values of --tokens, --chunks and --skew in the
/// place of what they say. Throws UsageError for a value that none of them takes.
std::vector<std::string> wanted_labels(const Suite& suite, const Options& options,
                                       const Catalog& catalog);

}  // namespace offload
