// SPDX-License-Identifier: Apache-2.0
// Stands in for cuBLASLt in a binary built without it.
#include "offload/cuda/matmul.hpp"
#include "offload/error.hpp"

namespace offload::cuda {

struct Matmul::Impl {};

Matmul::Matmul() {
  throw CudaError("matmul: " + support().reason() +
                      "; install the CUDA Toolkit with cuBLAS and configure again",
                  false, false);
}
Matmul::~Matmul() = default;

std::optional<std::size_t> Matmul::launch(const void* /*w*/, DType /*dtype*/, std::size_t /*rows*/,
                                          std::size_t /*cols*/, const void* /*x*/,
                                          std::size_t /*tokens*/, void* /*y*/, std::size_t /*ld_y*/,
                                          StreamHandle /*stream*/, Algorithm /*algorithm*/) {
  return std::nullopt;
}

std::optional<std::size_t> Matmul::reads(const ProductShape& /*shape*/,
                                         Algorithm /*algorithm*/) const {
  return std::nullopt;
}

Support Matmul::support() { return Support::no("built without cuBLASLt"); }
Support Matmul::supports(DType /*dtype*/, std::size_t /*cols*/) { return support(); }

struct GemmEx::Impl {};
GemmEx::GemmEx() = default;
GemmEx::~GemmEx() = default;
Support GemmEx::support() const { return Matmul::support(); }
void GemmEx::launch_bf16(const void*, std::size_t, std::size_t, const void*, void*, StreamHandle) {}

}  // namespace offload::cuda
