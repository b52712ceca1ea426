// SPDX-License-Identifier: Apache-2.0
#include "kernels/absent.hpp"
#include "kernels/sm90/read_once.hpp"

namespace offload::kernels {

ReadOnceGemm::ReadOnceGemm(void* encode) : encode_(encode) {}

void ReadOnceGemm::launch(const void* /*w*/, DType /*dtype*/, std::size_t /*rows*/,
                          std::size_t /*cols*/, const void* /*x*/, std::size_t /*tokens*/,
                          void* /*y*/, std::size_t /*ld_y*/, void* /*workspace*/,
                          StreamHandle /*stream*/) const {
  built_without_cuda("gemm that reads once");
}

std::size_t ReadOnceGemm::workspace_bytes(std::size_t /*tokens*/) { return 0; }

Support ReadOnceGemm::supports(const Platform& /*platform*/, const WeightTensor& /*tensor*/) {
  return Support::no("this binary was built without CUDA");
}

}  // namespace offload::kernels
