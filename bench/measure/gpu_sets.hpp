// SPDX-License-Identifier: Apache-2.0
// Which GPUs of a run measure a case at the same time.
#pragma once
#include <string>
#include <vector>

#include "offload/platform.hpp"

namespace offload {

/// CUDA's numbers of GPUs.
using GpuSet = std::vector<int>;

/// Each of `gpus` alone, then the first two, four and so on, and all of them; none where there are
/// fewer than two.
std::vector<GpuSet> gpu_sets(const std::vector<int>& gpus);
/// "0+1"
std::string gpus_text(const GpuSet& set);
/// " on GPU 0", " on GPUs 0+1"; "" where there are none to tell apart.
std::string on_gpus(const GpuSet& set);
/// The CUDA numbers of machines with a GPU each.
std::vector<int> gpu_numbers_of(const std::vector<Platform>& machines);

}  // namespace offload
