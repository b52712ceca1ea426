// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/pointer_chase.hpp"

namespace offload::kernels {

void pointer_chase(const std::byte* /*data*/, std::uint64_t /*start*/, std::size_t /*steps*/,
                   std::uint64_t* /*out*/, StreamHandle /*stream*/) {
  built_without_cuda("pointer_chase");
}

}  // namespace offload::kernels
