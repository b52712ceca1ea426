// SPDX-License-Identifier: Apache-2.0
// One case, by the name that plans and results give it.
#pragma once
#include <string>

#include "bench/catalog.hpp"
#include "bench/measure/plan.hpp"
#include "bench/options.hpp"

namespace offload {

/// Whatever the options leave open of policy, workload, weights and start, as options.explain has
/// it. Throws UsageError for text that cannot be the name of a case.
void select_one_case(Options& options, const Catalog& catalog);

/// Leave the case `name` alone in the plan, among the skipped ones if it is one of them. Throws
/// UsageError when it is no case.
void keep_one_case(Plan& plan, const std::string& name);

}  // namespace offload
