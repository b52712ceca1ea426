// SPDX-License-Identifier: Apache-2.0
// One-token matrix-vector product by cuBLASLt: the library call our gemv is held against.
// bench/cublas_reference_absent.cpp stands in where there is no cuBLASLt.
#pragma once
#include <cstddef>
#include <memory>

#include "offload/stream.hpp"
#include "offload/support.hpp"

namespace offload {

class CublasGemv {
 public:
  /// y[rows] (bf16) = w[rows, cols] (bf16, row-major) x[cols] (bf16), fp32 accumulation, with the
  /// first algorithm that cuBLASLt's heuristic proposes. Chosen here, outside any timing.
  CublasGemv(std::size_t rows, std::size_t cols);
  ~CublasGemv();
  CublasGemv(const CublasGemv&) = delete;
  CublasGemv& operator=(const CublasGemv&) = delete;

  void launch(const void* w, const void* x, void* y, StreamHandle stream);
  static Support support();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace offload
