// SPDX-License-Identifier: Apache-2.0
#include "bench/cublas_reference.hpp"

#include <cublasLt.h>

#include <cstdint>
#include <string>
#include <type_traits>

#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what PyTorch gives it on Hopper

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw CudaError(std::string(what) + " failed: " + cublasLtGetStatusString(status), false, false);
}

template <typename Handle, cublasStatus_t (*destroy)(Handle)>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>,
                              decltype([](Handle handle) { destroy(handle); })>;
using Library = Owned<cublasLtHandle_t, cublasLtDestroy>;
using Operation = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

Layout make_layout(std::uint64_t rows, std::uint64_t cols) {
  cublasLtMatrixLayout_t raw = nullptr;
  check(cublasLtMatrixLayoutCreate(&raw, CUDA_R_16BF, rows, cols, static_cast<std::int64_t>(rows)),
        "cublasLtMatrixLayoutCreate");
  return Layout(raw);
}

}  // namespace

struct CublasGemv::Impl {
  Library library;
  Operation operation;
  Layout w, x, y;
  cublasLtMatmulHeuristicResult_t heuristic{};
  cuda::DeviceBuffer workspace{workspace_bytes};
};

// A row-major [rows, cols] matrix is a column-major [cols, rows] one: y = transpose(w) x.
CublasGemv::CublasGemv(std::size_t rows, std::size_t cols) : impl_(std::make_unique<Impl>()) {
  cublasLtHandle_t library = nullptr;
  check(cublasLtCreate(&library), "cublasLtCreate");
  impl_->library.reset(library);
  cublasLtMatmulDesc_t operation = nullptr;
  check(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "cublasLtMatmulDescCreate");
  impl_->operation.reset(operation);
  const cublasOperation_t transpose = CUBLAS_OP_T;
  check(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &transpose,
                                       sizeof transpose),
        "cublasLtMatmulDescSetAttribute");
  impl_->w = make_layout(cols, rows);
  impl_->x = make_layout(cols, 1);
  impl_->y = make_layout(rows, 1);

  cublasLtMatmulPreference_t raw = nullptr;
  check(cublasLtMatmulPreferenceCreate(&raw), "cublasLtMatmulPreferenceCreate");
  const Preference preference(raw);
  check(cublasLtMatmulPreferenceSetAttribute(raw, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &workspace_bytes, sizeof workspace_bytes),
        "cublasLtMatmulPreferenceSetAttribute");
  int found = 0;
  check(cublasLtMatmulAlgoGetHeuristic(library, operation, impl_->w.get(), impl_->x.get(),
                                       impl_->y.get(), impl_->y.get(), raw, 1, &impl_->heuristic,
                                       &found),
        "cublasLtMatmulAlgoGetHeuristic");
  if (found == 0) throw CudaError("cuBLASLt has no algorithm for this shape", false, false);
}

CublasGemv::~CublasGemv() = default;

void CublasGemv::launch(const void* w, const void* x, void* y, StreamHandle stream) {
  const float one = 1;
  const float zero = 0;
  check(cublasLtMatmul(impl_->library.get(), impl_->operation.get(), &one, w, impl_->w.get(), x,
                       impl_->x.get(), &zero, y, impl_->y.get(), y, impl_->y.get(),
                       &impl_->heuristic.algo, impl_->workspace.data(), workspace_bytes, stream),
        "cublasLtMatmul");
}

Support CublasGemv::support() { return Support::yes(); }

}  // namespace offload
