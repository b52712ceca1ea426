// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/host_home.hpp"

#include "bench/platform/host_node.hpp"

namespace offload {

cuda::Location host_home(const Platform& platform) {
  constexpr int names_nodes = 12020;  // CUDA 12.2
  const bool told = platform.gpu && platform.gpu->driver_version >= names_nodes &&
                    platform.gpu->memory_model.host_numa_id.has_value();
  return {cuda::Processor::cpu, told ? home_node(platform) : std::nullopt};
}

}  // namespace offload
