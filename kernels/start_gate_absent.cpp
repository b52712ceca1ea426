// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/start_gate.hpp"

namespace offload::kernels {

void start_gate(const std::uint32_t* /*opened*/, std::uint32_t /*turn*/,
                std::chrono::nanoseconds /*hold*/, StreamHandle /*stream*/) {
  built_without_cuda("start_gate");
}

}  // namespace offload::kernels
