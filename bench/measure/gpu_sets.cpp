// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/gpu_sets.hpp"

#include <cstddef>

namespace offload {

std::vector<GpuSet> gpu_sets(const std::vector<int>& gpus) {
  std::vector<GpuSet> sets;
  if (gpus.size() < 2) return sets;
  for (const int gpu : gpus) sets.push_back({gpu});
  for (std::size_t count = 2; count < gpus.size(); count *= 2) {
    sets.emplace_back(gpus.begin(), gpus.begin() + static_cast<std::ptrdiff_t>(count));
  }
  sets.push_back(gpus);
  return sets;
}

std::string gpus_text(const GpuSet& set) {
  std::string text;
  for (const int gpu : set) text += (text.empty() ? "" : "+") + std::to_string(gpu);
  return text;
}

std::vector<int> gpu_numbers_of(const std::vector<Platform>& machines) {
  std::vector<int> numbers;
  for (const Platform& machine : machines) {
    if (machine.gpu) numbers.push_back(machine.gpu->index);
  }
  return numbers;
}

std::string on_gpus(const GpuSet& set) {
  if (set.empty()) return "";
  return (set.size() == 1 ? " on GPU " : " on GPUs ") + gpus_text(set);
}

}  // namespace offload
