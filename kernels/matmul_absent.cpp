// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/matmul.hpp"

namespace offload::kernels {

void gemv(const std::byte* /*w*/, DType /*dtype*/, std::size_t /*rows*/, std::size_t /*cols*/,
          const void* /*x*/, float* /*y*/, StreamHandle /*stream*/) {
  built_without_cuda("gemv");
}

void fold(const void* /*y*/, DType /*dtype*/, std::size_t /*tokens*/, std::size_t /*rows*/,
          std::size_t /*ld*/, const float* /*sign*/, float* /*out*/, StreamHandle /*stream*/) {
  built_without_cuda("fold");
}

}  // namespace offload::kernels
