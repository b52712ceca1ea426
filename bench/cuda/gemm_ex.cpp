// SPDX-License-Identifier: Apache-2.0
#include <cublas_v2.h>
#include <dlfcn.h>

#include <cstdint>
#include <string>

#include "offload/cuda/matmul.hpp"
#include "offload/error.hpp"

namespace offload::cuda {

struct GemmEx::Impl {
  void* library = nullptr;
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasGemmEx_64) gemm = nullptr;
  cublasHandle_t handle = nullptr;

  template <typename Function>
  void find(Function& function, const char* name) const {
    function = reinterpret_cast<Function>(dlsym(library, name));
  }
  static void check(cublasStatus_t status, const char* what) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw CudaError(std::string(what) + " failed with status " + std::to_string(status), false,
                    false);
  }
};

GemmEx::GemmEx() : impl_(std::make_unique<Impl>()) {
  const std::string name = "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR);
  impl_->library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (impl_->library == nullptr) return;
  impl_->find(impl_->create, "cublasCreate_v2");
  impl_->find(impl_->destroy, "cublasDestroy_v2");
  impl_->find(impl_->set_stream, "cublasSetStream_v2");
  impl_->find(impl_->gemm, "cublasGemmEx_64");
  if (impl_->create == nullptr || impl_->gemm == nullptr) return;
  Impl::check(impl_->create(&impl_->handle), "cublasCreate");
}

GemmEx::~GemmEx() {
  if (impl_->handle != nullptr) impl_->destroy(impl_->handle);
  if (impl_->library != nullptr) dlclose(impl_->library);
}

Support GemmEx::support() const {
  if (impl_->handle != nullptr) return Support::yes();
  return Support::no("libcublas was not found beside cuBLASLt");
}

void GemmEx::launch_bf16(const void* w, std::size_t rows, std::size_t cols, const void* x, void* y,
                         StreamHandle stream) {
  const float one = 1;
  const float zero = 0;
  const auto m = static_cast<std::int64_t>(rows);
  const auto k = static_cast<std::int64_t>(cols);
  Impl::check(impl_->set_stream(impl_->handle, stream), "cublasSetStream");
  // A row-major [rows, cols] matrix is a column-major [cols, rows] one: y = transpose(w) x.
  Impl::check(impl_->gemm(impl_->handle, CUBLAS_OP_T, CUBLAS_OP_N, m, 1, k, &one, w, CUDA_R_16BF, k,
                          x, CUDA_R_16BF, k, &zero, y, CUDA_R_16BF, m, CUBLAS_COMPUTE_32F,
                          CUBLAS_GEMM_DEFAULT),
              "cublasGemmEx");
}

}  // namespace offload::cuda
