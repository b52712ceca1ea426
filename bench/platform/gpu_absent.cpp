// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {

GpuProbe probe_gpu(int index) {
  GpuProbe probe;
  probe.absent_reason = cuda::unavailable(index).value_or("");
  return probe;
}

}  // namespace offload
