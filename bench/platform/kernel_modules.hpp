// SPDX-License-Identifier: Apache-2.0
// NVIDIA's kernel modules, as /proc and /sys show them.
#pragma once
#include "bench/platform/noted_files.hpp"
#include "offload/platform.hpp"

namespace offload {

KernelModules read_kernel_modules(NotedFiles& files);

}  // namespace offload
