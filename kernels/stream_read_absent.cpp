// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/stream_read.hpp"

namespace offload::kernels {

void stream_read(const std::byte* /*data*/, std::size_t /*bytes*/, std::uint64_t* /*sum*/,
                 StreamHandle /*stream*/, StreamReadShape /*shape*/) {
  built_without_cuda("stream_read");
}

}  // namespace offload::kernels
