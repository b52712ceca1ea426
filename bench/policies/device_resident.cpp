// SPDX-License-Identifier: Apache-2.0
// The weights are in GPU memory: no offload, the upper bound of all others.
#include "bench/policies/parts/in_gpu_memory.hpp"
#include "bench/policies/parts/pass_times.hpp"

namespace offload {
namespace {

std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  return precisely(
      in_order(work, context, [](const WorkItem& item) { return item.on_gpu_sustained; }));
}

constexpr Policy rows[] = {{
    .name = "device_resident",
    .memory = "cudaMalloc",
    .mechanism = "already in GPU memory",
    .engine_flags = "no offload flags; llama.cpp -ngl all",
    .family = Family::resident,
    .paths = {Path::device_memory, Path::device_memory},
    .requirement = needed_in_gpu_memory,
    .place = place_in_gpu_memory,
    .predict = predict,
}};

}  // namespace

namespace policies {

std::span<const Policy> device_resident() { return rows; }

}  // namespace policies

}  // namespace offload
