// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/row_gather.hpp"

namespace offload::kernels {

void row_gather(const std::byte* /*data*/, const std::uint64_t* /*offsets*/, std::size_t /*chunks*/,
                std::size_t /*chunk_bytes*/, std::uint64_t* /*sum*/, StreamHandle /*stream*/) {
  built_without_cuda("row_gather");
}

}  // namespace offload::kernels
