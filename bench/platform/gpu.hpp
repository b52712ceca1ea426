// SPDX-License-Identifier: Apache-2.0
// The GPU as the CUDA runtime describes it. gpu_absent.cpp stands in where there is no CUDA
// Toolkit.
#pragma once
#include <optional>
#include <string>

#include "offload/platform.hpp"

namespace offload {

struct GpuProbe {
  std::optional<Gpu> gpu;     // all but driver_release
  std::string absent_reason;  // why there is none
  bool integrated = false;    // shares the host's memory
};

/// Makes device `index` current and creates its context. Throws UsageError when the machine has
/// GPUs, but not that one.
GpuProbe probe_gpu(int index);

/// "--gpu 3: this machine has 1 GPU (0)"
std::string no_such_gpu(int index, int count);

}  // namespace offload
