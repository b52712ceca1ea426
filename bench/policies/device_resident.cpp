// SPDX-License-Identifier: Apache-2.0
// The weights are in GPU memory: no offload, the upper bound of all others.
#include "bench/policies/parts/in_gpu_memory.hpp"

namespace offload {
namespace {

constexpr Policy rows[] = {{
    .name = "device_resident",
    .memory = "cudaMalloc",
    .mechanism = "already in GPU memory",
    .engine_flags = "no offload flags; llama.cpp -ngl all",
    .family = Family::resident,
    .paths = {Path::device_memory, Path::device_memory},
    .requirement = needed_in_gpu_memory,
    .place = place_in_gpu_memory,
}};

}  // namespace

namespace policies {

std::span<const Policy> device_resident() { return rows; }

}  // namespace policies

}  // namespace offload
