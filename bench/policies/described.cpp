// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/described.hpp"

#include <string>

namespace offload {

Support needs_gpu(const Platform& platform) {
  return platform.gpu ? Support::yes() : Support::no("no GPU: " + platform.gpu_absent_reason);
}

Support needs(const Platform& platform, bool MemoryModel::*feature, std::string_view otherwise) {
  if (!platform.gpu) return needs_gpu(platform);
  if (platform.gpu->memory_model.*feature) return Support::yes();
  return Support::no("needs " + std::string(otherwise) + ": this GPU and driver do not offer it");
}

}  // namespace offload
