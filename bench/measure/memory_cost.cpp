// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/memory_cost.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// How far `after` lies above `before`.
std::optional<std::int64_t> growth(std::optional<std::size_t> before,
                                   std::optional<std::size_t> after) {
  if (!before || !after) return std::nullopt;
  return static_cast<std::int64_t>(*after) - static_cast<std::int64_t>(*before);
}

MemoryGrowth growth(const MemoryLevels& before, const MemoryLevels& after) {
  return {growth(after.host.available, before.host.available),
          growth(before.host.resident, after.host.resident),
          growth(before.host.charged, after.host.charged),
          growth(after.device_free, before.device_free)};
}

void touch_every_page(std::byte* data, std::size_t bytes) {
  const std::size_t page = whole_pages(1);
  volatile std::byte* memory = data;  // written, although nobody reads it
  for (std::size_t at = 0; at < bytes; at += page) memory[at] = std::byte{1};
}

/// Whether freed memory is back, as far as the accounts can tell: drivers free some of it later.
bool is_back(const MemoryGrowth& kept, std::size_t taken) {
  const auto slack = static_cast<std::int64_t>(taken / 100);
  const auto within = [slack](const std::optional<std::int64_t>& bytes) {
    return bytes.value_or(0) <= slack;
  };
  return within(kept.host) && within(kept.resident) && within(kept.charged) && within(kept.device);
}

MemoryCost describe(const HostAllocator& allocator, const CostTensors& tensors) {
  MemoryCost cost;
  cost.allocator = allocator.name;
  cost.weights = tensors.model;
  cost.tensors = tensors.bytes.size();
  cost.asked = tensors.total();
  return cost;
}

void measure(const HostAllocator& allocator, const CostTensors& tensors,
             const MemoryCostContext& context, MemoryCost& cost) {
  std::vector<TensorMemory> held;
  held.reserve(tensors.bytes.size());
  const auto take = [&](std::size_t bytes) {
    context.checkpoint(allocator.name);
    held.push_back(allocator.allocate(bytes));
    touch_every_page(held.back().data, bytes);
  };
  // What an allocator sets up once is no part of what a tensor takes.
  take(*std::min_element(tensors.bytes.begin(), tensors.bytes.end()));
  held.clear();

  const MemoryLevels before = context.levels();
  const Stopwatch watch;
  for (const std::size_t bytes : tensors.bytes) take(bytes);
  cost.seconds = watch.seconds();
  cost.taken = growth(before, context.levels());
  held.clear();
  cost.kept = growth(before, context.levels());
  constexpr int max_waits = 20;
  for (int i = 0; i < max_waits && !is_back(cost.kept, cost.rounded); ++i) {
    context.wait();
    cost.kept = growth(before, context.levels());
  }
}

/// The sum over all tensors, or the largest number when it would overflow.
std::size_t rounded_total(const HostAllocator& allocator, const CostTensors& tensors) {
  std::size_t sum = 0;
  for (const std::size_t bytes : tensors.bytes) {
    const std::size_t rounded = allocator.rounded(bytes);
    if (rounded > std::numeric_limits<std::size_t>::max() - sum) {
      return std::numeric_limits<std::size_t>::max();
    }
    sum += rounded;
  }
  return sum;
}

Support fits(const HostAllocator& allocator, std::size_t bytes, const MemoryCostContext& context) {
  if (bytes > context.host_limit) {
    return Support::no("needs " + format_size_rounded(bytes) + " of host memory and only " +
                       format_size_rounded(context.host_limit) +
                       " can be taken; choose a smaller --slice");
  }
  if (allocator.managed && context.device_limit && bytes > *context.device_limit) {
    return Support::no(
        "would oversubscribe the GPU, which hangs some systems: " + format_size_rounded(bytes) +
        " of managed memory, " + format_size_rounded(*context.device_limit) +
        " can be taken (--allow-oversubscription permits it)");
  }
  return Support::yes();
}

}  // namespace

MemoryLevels memory_levels(const Platform& platform) {
  MemoryLevels levels{read_memory_use("/"), std::nullopt};
  if (platform.gpu) levels.device_free = cuda::mem_get_info().free;
  return levels;
}

void measure_memory_costs(std::span<const HostAllocator> allocators,
                          std::span<const CostTensors> models, const MemoryCostContext& context,
                          std::vector<MemoryCost>& costs,
                          const std::function<void(SkippedCase)>& skip) {
  for (const CostTensors& tensors : models) {
    for (const HostAllocator& allocator : allocators) {
      context.checkpoint(allocator.name);
      Support support = allocator.support;
      MemoryCost cost = describe(allocator, tensors);
      try {
        if (support) cost.rounded = rounded_total(allocator, tensors);
        if (support) support = fits(allocator, cost.rounded, context);
        if (support) measure(allocator, tensors, context, cost);
      } catch (const CudaError& error) {
        if (error.context_dead()) throw;
        cost.failure = error.what();
      } catch (const std::exception& error) {
        cost.failure = error.what();
      }
      if (support) {
        costs.push_back(std::move(cost));
      } else {
        skip({"host_memory_cost/" + allocator.name, "", allocator.name, tensors.model, "",
              support.reason()});
      }
    }
  }
}

}  // namespace offload
