// SPDX-License-Identifier: Apache-2.0
// What all policies over cudaMallocManaged memory have in common.
#pragma once
#include <string_view>

#include "offload/policy.hpp"

namespace offload {

inline constexpr Need managed_needs[] = {
    {&MemoryModel::managed, "managed memory"},
    {&MemoryModel::concurrent_managed_access, "concurrent managed access (page faults on the GPU)"},
};
inline constexpr std::string_view prefetch_escapes_graphs =
    "cudaMemPrefetchAsync cannot be captured";

}  // namespace offload
