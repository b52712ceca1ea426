// SPDX-License-Identifier: Apache-2.0
#include <cublasLt.h>
#include <cublas_v2.h>
#include <dlfcn.h>

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bench/cuda/check.hpp"
#include "bench/cuda/lt_algorithms.hpp"
#include "offload/cuda/matmul.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload::cuda {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what PyTorch gives it on Hopper

template <typename Handle, cublasStatus_t (*destroy)(Handle)>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>,
                              decltype([](Handle handle) { destroy(handle); })>;
using Library = Owned<cublasLtHandle_t, cublasLtDestroy>;
using Operation = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

cudaDataType_t type_of(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return CUDA_R_16BF;
    case DType::fp16:
      return CUDA_R_16F;
    case DType::fp8_e4m3:
      return CUDA_R_8F_E4M3;
    default:
      throw CudaError("matmul multiplies bf16, fp16 and fp8_e4m3, not " + std::string(name(dtype)),
                      false, false);
  }
}

/// What the heuristic is given of a pointer. Kernels care for whole 16-byte vectors; 256 is what it
/// takes for granted unasked. Coarse, so that panels of one shape share one algorithm.
std::uint32_t alignment_of(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (address % 256 == 0) return 256;
  return std::uint32_t{1} << std::min(std::countr_zero(address), 4);
}

Library make_library() {
  cublasLtHandle_t raw = nullptr;
  check(cublasLtCreate(&raw), "cublasLtCreate");
  return Library(raw);
}

// y^T = w x^T in the library's columns: a row-major matrix is the column-major transposed one.
Operation make_operation() {
  cublasLtMatmulDesc_t raw = nullptr;
  check(cublasLtMatmulDescCreate(&raw, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescCreate");
  Operation operation(raw);
  const cublasOperation_t transpose = CUBLAS_OP_T;
  check(cublasLtMatmulDescSetAttribute(raw, CUBLASLT_MATMUL_DESC_TRANSA, &transpose,
                                       sizeof transpose),
        "cublasLtMatmulDescSetAttribute");
  return operation;
}

Layout make_layout(DType dtype, std::size_t inner, std::size_t outer, std::size_t ld) {
  cublasLtMatrixLayout_t raw = nullptr;
  check(
      cublasLtMatrixLayoutCreate(&raw, type_of(dtype), inner, outer, static_cast<std::int64_t>(ld)),
      "cublasLtMatrixLayoutCreate");
  return Layout(raw);
}

template <typename Value>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t which, Value value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference.get(), which, &value, sizeof value),
        "cublasLtMatmulPreferenceSetAttribute");
}

/// All that the choice of an algorithm depends on.
struct Shape {
  DType dtype;
  std::size_t rows, cols, tokens, ld_y;
  std::uint32_t w_alignment, x_alignment, y_alignment;
  auto operator<=>(const Shape&) const = default;  // NOLINT(modernize-use-nullptr)
};

std::string text(const Shape& shape) {
  return "a matmul of " + std::to_string(shape.tokens) + " tokens with a " +
         std::string(name(shape.dtype)) + " weight of " + std::to_string(shape.rows) + "x" +
         std::to_string(shape.cols) + ", rows of y " + std::to_string(shape.ld_y) + " apart";
}

struct Plan {
  Layout w, x, y;
  cublasLtMatmulAlgo_t algorithm{};
  std::optional<std::size_t> reads = std::nullopt;  // of each byte of w
};

Preference make_preference(const Shape& shape) {
  cublasLtMatmulPreference_t raw = nullptr;
  check(cublasLtMatmulPreferenceCreate(&raw), "cublasLtMatmulPreferenceCreate");
  Preference preference(raw);
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, shape.w_alignment);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, shape.x_alignment);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, shape.y_alignment);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, shape.y_alignment);
  return preference;
}

/// One product's operands.
struct Operands {
  const void* w;
  const void* x;
  void* y;
};

/// The fastest of `algorithms` by one timed launch each; those that the GPU refuses are passed
/// over.
LtAlgorithm fastest(const std::vector<LtAlgorithm>& algorithms,
                    const std::function<cublasStatus_t(const LtAlgorithm&)>& launch,
                    StreamHandle stream) {
  Event begin;
  Event end;
  const LtAlgorithm* best = &algorithms.front();
  double least = std::numeric_limits<double>::infinity();
  for (const LtAlgorithm& algorithm : algorithms) {
    if (launch(algorithm) != CUBLAS_STATUS_SUCCESS) {  // loads the kernel
      forget(cudaPeekAtLastError());
      continue;
    }
    begin.record(stream);
    check(launch(algorithm), "cublasLtMatmul");
    end.record(stream);
    end.synchronize();
    if (const double seconds = end.seconds_since(begin); seconds < least) {
      least = seconds;
      best = &algorithm;
    }
  }
  return *best;
}

}  // namespace

struct Matmul::Impl {
  Library library = make_library();
  Operation operation = make_operation();
  DeviceBuffer workspace{workspace_bytes};
  std::map<std::pair<Shape, Algorithm>, Plan> plans;

  cublasStatus_t multiply(const Plan& plan, const cublasLtMatmulAlgo_t& algorithm,
                          const Operands& on, StreamHandle stream) const {
    const float one = 1;
    const float zero = 0;
    return cublasLtMatmul(library.get(), operation.get(), &one, on.w, plan.w.get(), on.x,
                          plan.x.get(), &zero, on.y, plan.y.get(), on.y, plan.y.get(), &algorithm,
                          workspace.data(), workspace_bytes, stream);
  }

  static Plan make_layouts(const Shape& shape) {
    return {
        make_layout(shape.dtype, shape.cols, shape.rows, shape.cols),
        make_layout(matmul_activation(shape.dtype), shape.cols, shape.tokens, shape.cols),
        make_layout(matmul_output(shape.dtype), shape.rows, shape.tokens, shape.ld_y),
    };
  }

  std::vector<LtAlgorithm> candidates(const Shape& shape, const Plan& plan,
                                      Algorithm wanted) const {
    constexpr std::size_t tries = 6;
    const Preference preference = make_preference(shape);
    const LtProduct product{library.get(), operation.get(),  plan.w.get(), plan.x.get(),
                            plan.y.get(),  preference.get(), shape.tokens, workspace_bytes};
    return wanted == Algorithm::first ? proposals(product, 1) : by_fewest_reads(product, tries);
  }

  Plan make_plan(const Shape& shape, Algorithm wanted, const Operands& on,
                 StreamHandle stream) const {
    Plan plan = make_layouts(shape);
    const std::vector<LtAlgorithm> found = candidates(shape, plan, wanted);
    if (found.empty()) {
      throw CudaError("cuBLASLt has no algorithm for " + text(shape) +
                          "; fp8_e4m3 needs compute capability 8.9 and everything at multiples of "
                          "16 bytes, use bf16 otherwise",
                      false, false);
    }
    const auto launch = [&](const LtAlgorithm& one) {
      return multiply(plan, one.algorithm, on, stream);
    };
    const LtAlgorithm chosen = found.size() == 1 ? found.front() : fastest(found, launch, stream);
    plan.algorithm = chosen.algorithm;
    plan.reads = chosen.reads;
    return plan;
  }
};

Matmul::Matmul() : impl_(std::make_unique<Impl>()) {}
Matmul::~Matmul() = default;

std::optional<std::size_t> Matmul::launch(const void* w, DType dtype, std::size_t rows,
                                          std::size_t cols, const void* x, std::size_t tokens,
                                          void* y, std::size_t ld_y, StreamHandle stream,
                                          Algorithm algorithm) {
  if (rows == 0 || tokens == 0) return 0;
  const Shape shape{dtype,           rows,           cols, tokens, ld_y, alignment_of(w),
                    alignment_of(x), alignment_of(y)};
  const Operands on{w, x, y};
  auto at = impl_->plans.find({shape, algorithm});
  if (at == impl_->plans.end()) {
    Plan made = impl_->make_plan(shape, algorithm, on, stream);
    at = impl_->plans.emplace(std::pair(shape, algorithm), std::move(made)).first;
  }
  const Plan& plan = at->second;
  const cublasStatus_t status = impl_->multiply(plan, plan.algorithm, on, stream);
  if (status != CUBLAS_STATUS_SUCCESS) check(status, "cublasLtMatmul of " + text(shape));
  return plan.reads;
}

std::optional<std::size_t> Matmul::reads(const ProductShape& of, Algorithm algorithm) const {
  constexpr std::uint32_t aligned = 256;
  const Shape shape{of.dtype, of.rows, of.cols, of.tokens, of.rows, aligned, aligned, aligned};
  std::optional<std::size_t> fewest;
  for (const LtAlgorithm& one : impl_->candidates(shape, Impl::make_layouts(shape), algorithm)) {
    if (!one.reads) continue;
    fewest = std::min(fewest.value_or(*one.reads), *one.reads);
  }
  return fewest;
}

Support Matmul::support() { return Support::yes(); }

Support Matmul::supports(DType dtype, std::size_t cols) {
  switch (dtype) {
    case DType::bf16:
    case DType::fp16:
      return Support::yes();
    case DType::fp8_e4m3:
      break;
    default:
      return Support::no("matmul multiplies bf16, fp16 and fp8_e4m3, not " +
                         std::string(name(dtype)));
  }
  if (cols % 16 != 0) {
    return Support::no("matmul of fp8_e4m3 needs rows of a multiple of 16 values, not " +
                       std::to_string(cols));
  }
  int device = 0;
  int major = 0;
  int minor = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "cudaDeviceGetAttribute");
  if (10 * major + minor < 89) {
    return Support::no("matmul of fp8_e4m3 needs compute capability 8.9 or later; this GPU has " +
                       std::to_string(major) + "." + std::to_string(minor));
  }
  return Support::yes();
}

}  // namespace offload::cuda

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
