// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/memory_cost.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <exception>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "bench/core/huge_page.hpp"
#include "bench/core/text.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/suites.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/slice.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"
#include "offload/policy.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

CostTensors tensors_of(const std::string& name, const Options& options, ModelLoader& models) {
  const Model& checkpoint = models.load_share(name, options.tensor_parallel);
  const Model model = options.checkpoint_shapes ? checkpoint : fused(checkpoint);
  const Offloading where = offloading(model, options.rules);
  std::set<std::size_t> layers;
  for (const WeightTensor& weight :
       model_slice(model, where.tensors, options.slice_bytes, options.rules.prefetch_step)
           .tensors) {
    layers.insert(weight.layer);
  }
  const bool all = !options.rules.any();
  CostTensors tensors{model.label(), {}};
  for (const std::size_t layer : layers) {
    const std::vector<ModelTensor>& of_layer = model.layers[layer].tensors;
    for (std::size_t i = 0; i < of_layer.size(); ++i) {
      if (of_layer[i].bytes == 0 || !(all || where.tensors[layer][i])) continue;
      tensors.bytes.push_back(of_layer[i].bytes);
    }
  }
  if (tensors.bytes.empty()) {
    throw UsageError("memory cost: nothing of " + model.name + " is offloaded");
  }
  return tensors;
}

TensorMemory host_memory(HostMemory kind, std::size_t bytes, HostPages pages = HostPages::as_set) {
  auto memory = std::make_shared<HostAllocation>(kind, bytes, pages);
  return {memory->data(), memory};
}

HostAllocator of_kind(std::string name, Support support, HostMemory kind,
                      HostPages pages = HostPages::as_set) {
  return {std::move(name), std::move(support), false, whole_pages,
          [kind, pages](std::size_t bytes) { return host_memory(kind, bytes, pages); }};
}

HostAllocator powers_of_two(Support support) {
  return {"cudaHostAlloc, sizes rounded up to powers of two, as PyTorch", std::move(support), false,
          [](std::size_t bytes) { return whole_pages(std::bit_ceil(bytes)); },
          [](std::size_t bytes) { return host_memory(HostMemory::pinned, std::bit_ceil(bytes)); }};
}

HostAllocator vmm(const Platform& platform, Support support) {
  constexpr int no_numa = 0;  // what cuMemCreate wants where the system has no NUMA
  const int node = platform.gpu ? platform.gpu->memory_model.host_numa_id.value_or(no_numa) : 0;
  return {"cuMemCreate on the GPU's host NUMA node", std::move(support), false,
          [node](std::size_t bytes) {
            const std::size_t granule = cuda::vmm_host_granularity(node);
            return round_up(bytes, granule);
          },
          [node](std::size_t bytes) -> TensorMemory {
            const cuda::VmmRange range = cuda::vmm_create_on_host(bytes, node);
            return {static_cast<std::byte*>(range.pointer),
                    {range.pointer, [range](const void*) { cuda::vmm_destroy(range); }}};
          }};
}

HostAllocator managed(Support support) {
  return {"cudaMallocManaged", std::move(support), true, whole_pages,
          [](std::size_t bytes) -> TensorMemory {
            auto memory = std::make_shared<cuda::ManagedBuffer>(bytes);
            return {memory->data(), memory};
          }};
}

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

/// Whether freed memory is back, as far as the accounts show: drivers free some of it later.
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
  // What an allocator sets up once is not part of what a tensor takes.
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

std::size_t CostTensors::total() const {
  return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0});
}

std::vector<CostTensors> cost_tensors(const Options& options, const Host& host,
                                      ModelLoader& models) {
  std::vector<std::string> names = options.models;
  if (names.empty()) names.emplace_back(default_model);
  std::vector<CostTensors> all;
  for (const std::string& name : names) {
    all.push_back(tensors_of(name, options, models));
    const std::size_t bytes = all.back().total();
    const std::size_t limit = host_memory_limit(host);
    if (bytes <= limit) continue;
    throw UsageError("memory cost: the tensors of " + all.back().model + " take " +
                     format_size_rounded(bytes) + " of host memory and only " +
                     format_size_rounded(limit) + " can be taken; choose a smaller --slice");
  }
  return all;
}

std::vector<HostAllocator> host_allocators(const Platform& platform) {
  const Support gpu = gpu_offers(platform, {});
  const auto gpu_with = [&platform](bool MemoryModel::*feature, std::string_view words) {
    return gpu_offers(platform, std::array{Need{feature, words}});
  };
  return {
      of_kind("malloc", Support::yes(), HostMemory::pageable),
      of_kind("malloc, " + format_size_rounded(huge_page_bytes()) + " pages advised",
              huge_pages_on_advice(platform.host), HostMemory::pageable, HostPages::huge),
      of_kind("malloc + cudaHostRegister",
              gpu_with(&MemoryModel::host_register, "cudaHostRegister"), HostMemory::registered),
      of_kind("cudaHostAlloc mapped", gpu, HostMemory::pinned),
      of_kind("cudaHostAlloc mapped, write-combined", gpu, HostMemory::write_combined),
      powers_of_two(gpu),
      vmm(platform, gpu_with(&MemoryModel::host_numa_vmm, "cuMemCreate on host NUMA nodes")),
      managed(gpu_with(&MemoryModel::managed, "cudaMallocManaged")),
  };
}

MemoryLevels memory_levels(const Platform& platform) {
  MemoryLevels levels{read_memory_use("/", gpu_nodes(platform)), std::nullopt};
  if (platform.gpu && !one_memory(platform)) levels.device_free = cuda::mem_get_info().free;
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
