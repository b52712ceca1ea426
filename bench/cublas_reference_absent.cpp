// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "bench/cublas_reference.hpp"

namespace offload {

struct CublasGemv::Impl {};
CublasGemv::CublasGemv(std::size_t, std::size_t) {
  throw std::logic_error("built without cuBLASLt: ask CublasGemv::support() first");
}
CublasGemv::~CublasGemv() = default;
void CublasGemv::launch(const void*, const void*, void*, StreamHandle) {}
Support CublasGemv::support() { return Support::no("built without cuBLASLt"); }

}  // namespace offload
