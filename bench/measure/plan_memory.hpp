// SPDX-License-Identifier: Apache-2.0
// Whether the memory a case needs can be had, known before anything is allocated.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "offload/platform.hpp"
#include "offload/policy.hpp"
#include "offload/weights.hpp"

namespace offload {

/// Host memory a run may take: what the machine and the cgroup have to give, less a reserve.
std::size_t host_memory_limit(const Host& host);
/// GPU memory a run may take: what is free, less a reserve. Of a NUMA node of the host by the
/// node's own account, because CUDA counts page cache there as used; where that is not known, of
/// the whole memory. Of one memory for CPU and GPU: what the host has.
std::size_t gpu_memory_limit(const Platform& platform);

/// Host memory one case needs: what its policy takes, and `master_copies` of the weights beside it.
std::size_t host_demand(const Requirement& requirement, const WeightSet& weights,
                        std::size_t master_copies);

/// Of the offloaded tensors, each rounded up to a power of two: what PyTorch's allocator of pinned
/// memory takes.
std::size_t offloaded_by_powers_of_two(const WeightSet& weights);

struct MemoryRefusal {
  std::string reason;
  bool oversubscribes = false;  // more managed or system memory than the GPU has free
};

/// nullopt when a placement of `weights` under `policy`, which must be supported, fits.
std::optional<MemoryRefusal> refuse_memory(const Policy& policy, const WeightSet& weights,
                                           const Tuning& tuning, std::size_t master_copies,
                                           bool allow_oversubscription, const Platform& platform);

}  // namespace offload
