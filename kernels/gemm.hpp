// SPDX-License-Identifier: Apache-2.0
// Many tokens on the CPU: Y = X W^T. The GPU has cuBLASLt for it.
#pragma once
#include <cstddef>

#include "offload/dtype.hpp"
#include "offload/host_workers.hpp"

namespace offload::host {

/// y[tokens, ld_y] = x[tokens, cols] w[rows, cols]^T, all row-major, x and y fp32: of each row of y
/// the first `rows` values are written. Weights are read from memory once for 64 tokens.
void gemm(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
          std::size_t tokens, float* y, std::size_t ld_y, HostWorkers& workers);

}  // namespace offload::host
