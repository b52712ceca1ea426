// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/gpu.hpp"

namespace offload {

GpuProbe probe_gpu(int /*index*/) {
  GpuProbe probe;
  probe.absent_reason = "this binary was built without CUDA";
  return probe;
}

}  // namespace offload
