// SPDX-License-Identifier: Apache-2.0
// What each way of loading a file took: a table, a sentence, and the raw numbers.
#pragma once
#include <span>
#include <string>

#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// Nothing when there are no costs.
void write_loading_costs(Page& page, std::span<const LoadingCost> costs);

/// One row of raw numbers per way and start.
std::string loading_costs_csv(std::span<const LoadingCost> costs);

/// For memory-cost --loading --plan.
std::string loading_plan_text(std::size_t bytes);

}  // namespace offload
