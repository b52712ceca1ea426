// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "bench/catalog.hpp"
#include "bench/options.hpp"

namespace offload {

/// Says which way to run a model. Returns an exit code; throws UsageError.
int run_advise(const Options& options, const Catalog& catalog);

}  // namespace offload
