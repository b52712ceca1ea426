// SPDX-License-Identifier: Apache-2.0
// Where pages go that leave the GPU for the host, and where those lie that prefer the host.
#pragma once
#include "offload/cuda/runtime.hpp"
#include "offload/platform.hpp"

namespace offload {

/// With the CPU; on the host's home node where the driver can be told of one.
cuda::Location host_home(const Platform& platform);

}  // namespace offload
