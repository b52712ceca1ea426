// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/flush_l2.hpp"

namespace offload::kernels {

void flush_l2(const std::byte* /*filler*/, std::size_t /*bytes*/, std::uint64_t* /*sum*/,
              StreamHandle /*stream*/) {
  built_without_cuda("flush_l2");
}

}  // namespace offload::kernels
