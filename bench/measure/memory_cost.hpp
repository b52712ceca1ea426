// SPDX-License-Identifier: Apache-2.0
// What each allocator really takes for the tensors of a model: allocated one by one, as engines do,
// every page touched, all freed again, and the accounts of memory read before, between and after.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/measure/cost_tensors.hpp"
#include "bench/measure/host_allocators.hpp"
#include "bench/measure/plan.hpp"
#include "bench/platform/memory.hpp"
#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

struct MemoryLevels {
  MemoryUse host;
  std::optional<std::size_t> device_free;
};

/// Of this machine, and of the current GPU where there is one.
MemoryLevels memory_levels(const Platform& platform);

struct MemoryCostContext {
  std::function<MemoryLevels()> levels;
  /// Called before each allocator and each tensor; may throw to end it all.
  std::function<void(const std::string& allocator)> checkpoint;
  /// Called while freed memory is not back yet; waits a moment.
  std::function<void()> wait;
  std::size_t host_limit = 0;               // bytes that may be taken
  std::optional<std::size_t> device_limit;  // that managed memory may take; nullopt: any
};

/// One entry of `costs` for each model and each allocator that can run, a skip for each other. An
/// allocator that fails is an entry with its failure, and the next one has its turn; only a dead
/// GPU context ends it (CudaError).
void measure_memory_costs(std::span<const HostAllocator> allocators,
                          std::span<const CostTensors> models, const MemoryCostContext& context,
                          std::vector<MemoryCost>& costs,
                          const std::function<void(SkippedCase)>& skip);

}  // namespace offload
