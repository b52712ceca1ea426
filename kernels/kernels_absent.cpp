// SPDX-License-Identifier: Apache-2.0
// Stands in for the GPU kernels in a binary built without a CUDA Toolkit.
#include <string>

#include "kernels/kernels.hpp"
#include "offload/error.hpp"

namespace offload::kernels {
namespace {

[[noreturn]] void built_without_cuda(const std::string& kernel) {
  throw CudaError(kernel + ": this binary was built without CUDA; install the CUDA Toolkit and " +
                      "configure again with OFFLOAD_BENCH_CUDA=ON",
                  false, false);
}

}  // namespace

void stream_read(const std::byte* /*data*/, std::size_t /*bytes*/, std::uint64_t* /*sum*/,
                 StreamHandle /*stream*/, StreamReadShape /*shape*/) {
  built_without_cuda("stream_read");
}

void flush_l2(const std::byte* /*filler*/, std::size_t /*bytes*/, std::uint64_t* /*sum*/,
              StreamHandle /*stream*/) {
  built_without_cuda("flush_l2");
}

void gemv(const std::byte* /*w*/, DType /*dtype*/, std::size_t /*rows*/, std::size_t /*cols*/,
          const void* /*x*/, float* /*y*/, StreamHandle /*stream*/) {
  built_without_cuda("gemv");
}

void fold(const void* /*y*/, DType /*dtype*/, std::size_t /*tokens*/, std::size_t /*rows*/,
          std::size_t /*ld*/, const float* /*sign*/, float* /*out*/, StreamHandle /*stream*/) {
  built_without_cuda("fold");
}

void pointer_chase(const std::byte* /*data*/, std::uint64_t /*start*/, std::size_t /*steps*/,
                   std::uint64_t* /*out*/, StreamHandle /*stream*/) {
  built_without_cuda("pointer_chase");
}

void row_gather(const std::byte* /*data*/, const std::uint64_t* /*offsets*/, std::size_t /*chunks*/,
                std::size_t /*chunk_bytes*/, std::uint64_t* /*sum*/, StreamHandle /*stream*/) {
  built_without_cuda("row_gather");
}

void nested(const nested::Row* /*table*/, std::size_t /*rows*/, std::size_t /*blocks*/,
            std::int64_t* /*y*/, StreamHandle /*stream*/) {
  built_without_cuda("nested");
}

}  // namespace offload::kernels
