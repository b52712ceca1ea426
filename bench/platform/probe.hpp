// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "offload/platform.hpp"

namespace offload {

/// Describes this machine with GPU `gpu`, and creates that GPU's context. With 0, the default, no
/// GPU at all is no error: gpu_absent_reason says why. Throws UsageError when there are GPUs, but
/// not that one, and when one beyond the first was asked for and none can be used.
Platform probe_platform(int gpu);

}  // namespace offload
