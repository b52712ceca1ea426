// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/plan_memory.hpp"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <limits>

#include "bench/core/text.hpp"
#include "bench/measure/content.hpp"
#include "bench/policies/parts/partly_resident.hpp"

namespace offload {
namespace {

/// What stays untouched of `bytes`, for everything else that lives there: 5 %, at least 1 GiB, but
/// never more than a quarter.
std::size_t reserve_of(std::size_t bytes) {
  return std::min(std::max(bytes / 20, std::size_t{1} << 30), bytes / 4);
}

std::size_t less_reserve(std::size_t bytes) { return bytes - reserve_of(bytes); }

/// The sum, or the largest number when it would overflow.
std::size_t saturating_sum(std::initializer_list<std::size_t> terms) {
  std::size_t sum = 0;
  for (const std::size_t term : terms) {
    if (term > std::numeric_limits<std::size_t>::max() - sum) {
      return std::numeric_limits<std::size_t>::max();
    }
    sum += term;
  }
  return sum;
}

std::size_t master_bytes(const WeightSet& weights, std::size_t copies) {
  const std::size_t bytes = master_copy_bytes(weights);
  if (copies != 0 && bytes > std::numeric_limits<std::size_t>::max() / copies) {
    return std::numeric_limits<std::size_t>::max();
  }
  return bytes * copies;
}

std::string host_parts(const Requirement& requirement, std::size_t masters) {
  std::string parts = format_size_rounded(masters) + " master copy";
  const auto add = [&](std::size_t bytes, const char* kind) {
    if (bytes > 0) parts += " + " + format_size_rounded(bytes) + " " + kind;
  };
  add(requirement.pinned, "pinned");
  add(requirement.managed, "managed");
  add(requirement.pageable, "pageable");
  return parts;
}

std::size_t host_memory_available(const Host& host) {
  std::size_t available = host.available_bytes;
  if (host.cgroup_limit_bytes) {
    const std::size_t used = host.cgroup_used_bytes.value_or(0);
    const std::size_t left = *host.cgroup_limit_bytes - std::min(used, *host.cgroup_limit_bytes);
    available = std::min(available, left);
  }
  return available;
}

/// cudaMemGetInfo takes page cache for used memory where the kernel, too, allocates on the GPU.
std::size_t gpu_memory_available(const Platform& platform) {
  const Gpu& gpu = *platform.gpu;
  switch (memory_mode(gpu.memory_model)) {
    case MemoryMode::separate:
    case MemoryMode::hmm:
    case MemoryMode::cdmm:
      return gpu.free_bytes;
    case MemoryMode::one_memory:
      return host_memory_available(platform.host);
    case MemoryMode::numa:
    case MemoryMode::ats:
      break;
  }
  const std::optional<int> id = gpu.memory_model.gpu_numa_id;
  const NumaNode* node = id ? find_node(platform.host, *id) : nullptr;
  return node != nullptr ? node->available_bytes : gpu.memory_bytes;
}

}  // namespace

std::size_t offloaded_by_powers_of_two(const WeightSet& weights) {
  std::size_t bytes = 0;
  for (const WeightTensor& tensor : weights.tensors) {
    if (!tensor.resident) bytes += std::bit_ceil(tensor.bytes());
  }
  return bytes;
}

std::size_t host_memory_limit(const Host& host) {
  return less_reserve(host_memory_available(host));
}

std::size_t gpu_memory_limit(const Platform& platform) {
  return less_reserve(gpu_memory_available(platform));
}

std::size_t host_demand(const Requirement& requirement, const WeightSet& weights,
                        std::size_t master_copies) {
  return saturating_sum({master_bytes(weights, master_copies), requirement.pinned,
                         requirement.managed, requirement.pageable});
}

std::optional<MemoryRefusal> refuse_memory(const Policy& policy, const WeightSet& weights,
                                           const Tuning& tuning, std::size_t master_copies,
                                           bool allow_oversubscription, const Platform& platform) {
  const Requirement requirement = memory_needed(policy, weights, tuning);
  const std::size_t host = host_demand(requirement, weights, master_copies);
  if (const std::size_t limit = host_memory_limit(platform.host); host > limit) {
    return MemoryRefusal{"needs " + format_size_rounded(host) + " of host memory (" +
                         host_parts(requirement, master_bytes(weights, master_copies)) +
                         ") and only " + format_size_rounded(limit) + " can be taken"};
  }
  if (!platform.gpu) return std::nullopt;

  const std::size_t limit = gpu_memory_limit(platform);
  const bool shared = one_memory(platform);
  const std::size_t beside = shared ? host : 0;
  if (saturating_sum({requirement.device, beside}) > limit) {
    return MemoryRefusal{
        "needs " + format_size_rounded(requirement.device) + " of GPU memory" +
        (shared ? " beside " + format_size_rounded(beside) + " of host memory, which are one here,"
                : "") +
        " and only " + format_size_rounded(limit) + " can be taken"};
  }
  // Pages of managed memory, and of system memory under a policy that migrates it, end up on the
  // GPU.
  const bool pageable_moves = migrates(policy, platform) || pages_may_move(policy, platform);
  const std::size_t migrating =
      shared ? 0 : saturating_sum({requirement.managed, pageable_moves ? requirement.pageable : 0});
  if (saturating_sum({migrating, requirement.device}) > limit && migrating > 0 &&
      !allow_oversubscription) {
    return MemoryRefusal{
        "would oversubscribe the GPU, which hangs some systems: " + format_size_rounded(migrating) +
            " of " + (requirement.managed > 0 ? "managed" : "system") + " memory, " +
            format_size_rounded(limit) + " can be taken (--allow-oversubscription permits it)",
        true};
  }
  return std::nullopt;
}

}  // namespace offload
