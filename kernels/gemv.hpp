// SPDX-License-Identifier: Apache-2.0
// One token: y = W x.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "offload/dtype.hpp"
#include "offload/host_workers.hpp"
#include "offload/stream.hpp"

namespace offload::kernels {

/// y[r] = sum_c w[r, c] * x[c] in fp32. w is row-major rows x cols of bf16, fp16 or fp8_e4m3; x
/// holds cols values of bf16 (for bf16 and fp8 weights) or fp16 (for fp16 weights) in device
/// memory; y is fp32 device memory. Any shape; fastest when a row is a multiple of 16 bytes.
void gemv(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const void* x,
          float* y, StreamHandle stream);

}  // namespace offload::kernels

namespace offload::host {

/// As the GPU's; x is fp32 here (converted once, outside the timing), y fp32.
void gemv(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
          float* y, HostWorkers& workers);

}  // namespace offload::host

namespace offload::reference {

struct GemvResult {
  std::vector<double> y;
  std::vector<double> magnitude;  // sum_c |w * x|: what an error is measured against
};
GemvResult gemv(std::span<const std::byte> w, DType dtype, std::size_t rows, std::size_t cols,
                std::span<const float> x, HostWorkers& workers);

}  // namespace offload::reference
