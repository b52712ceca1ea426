// SPDX-License-Identifier: Apache-2.0
// What each allocator really takes for the tensors of a model: allocated one by one, as engines do,
// every page touched, all freed again, and the accounts of memory read before, between and after.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/measure/plan.hpp"
#include "bench/models/load.hpp"
#include "bench/options.hpp"
#include "bench/platform/memory.hpp"
#include "bench/record.hpp"
#include "offload/platform.hpp"
#include "offload/support.hpp"

namespace offload {

/// Of one model, those that an engine would hold in host memory.
struct CostTensors {
  std::string model;
  std::vector<std::size_t> bytes;  // of each tensor, in the model's order; none is empty

  std::size_t total() const;
};

/// For each model of the options, or the one that suites walk: what is offloaded of the layers that
/// a pass measures, in the same shapes. Without rules that is all of them, norms and router
/// included. Throws UsageError for a model that is unknown, of which nothing is offloaded, or whose
/// tensors do not fit into the memory of `host`.
std::vector<CostTensors> cost_tensors(const Options& options, const Host& host,
                                      ModelLoader& models);
inline std::vector<CostTensors> cost_tensors(const Options& options, const Host& host) {
  ModelLoader models;
  return cost_tensors(options, host, models);
}

struct TensorMemory {
  std::byte* data = nullptr;
  std::shared_ptr<const void> owner;  // frees it
};

/// A way to get host memory for weights, one tensor at a time.
struct HostAllocator {
  std::string name;      // as policies name their memory
  Support support;       // on this machine
  bool managed = false;  // may end up in GPU memory
  /// What its granule makes of so many bytes.
  std::function<std::size_t(std::size_t bytes)> rounded;
  std::function<TensorMemory(std::size_t bytes)> allocate;
};

/// All there are, in the order of a report. `platform` must outlive them.
std::vector<HostAllocator> host_allocators(const Platform& platform);

struct MemoryLevels {
  MemoryUse host;
  std::optional<std::size_t> device_free;
};

/// Of this machine, and of the current GPU where it has a memory of its own.
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
