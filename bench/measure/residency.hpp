// SPDX-License-Identifier: Apache-2.0
// Where the pages of a placement are at this moment, as the CPU's page tables have it.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "bench/evidence.hpp"

namespace offload {

/// Asks move_pages for an even sample of the pages of `ranges`. A page that has been migrated to
/// the GPU is not mapped by the CPU any more; one that is only duplicated there still is.
Observed<Residency> find_residency(const std::vector<std::span<const std::byte>>& ranges);

}  // namespace offload
