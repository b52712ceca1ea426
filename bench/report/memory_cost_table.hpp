// SPDX-License-Identifier: Apache-2.0
// What each allocator took for the tensors of a model: a table, a sentence, and the raw numbers.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "bench/measure/memory_cost.hpp"
#include "bench/record.hpp"
#include "bench/report/page.hpp"

namespace offload {

/// A title, a table and a sentence for each model; nothing when there are no costs.
void write_memory_costs(Page& page, std::span<const MemoryCost> costs);

/// One row of raw numbers per allocator.
std::string memory_costs_csv(std::span<const MemoryCost> costs);

/// For memory-cost --plan: what would be allocated.
std::string memory_cost_plan_text(std::span<const CostTensors> models);

}  // namespace offload
