// SPDX-License-Identifier: Apache-2.0
// How a GPU is set up, as NVML says it.
#pragma once
#include "bench/platform/nvml_library.hpp"
#include "offload/platform.hpp"

namespace offload {

/// What NVML does not answer stays empty, and `unknown` says what it said instead.
GpuSettings read_gpu_settings(const nvml::Library& library, nvml::Device device);

}  // namespace offload
