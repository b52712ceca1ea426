// SPDX-License-Identifier: Apache-2.0
// The rows of a product added up with signs, which checks all of it by one vector.
#pragma once
#include <cstddef>
#include <span>

#include "kernels/gemv.hpp"
#include "offload/dtype.hpp"
#include "offload/host_workers.hpp"
#include "offload/stream.hpp"

namespace offload::kernels {

/// out[r] = sum_t sign[t] * y[t, r] in fp32, for `tokens` rows of y that lie `ld` values apart and
/// of which the first `rows` values count: bf16 or fp16. The same sum in every run. `sign` and
/// `out` are device memory.
void fold(const void* y, DType dtype, std::size_t tokens, std::size_t rows, std::size_t ld,
          const float* sign, float* out, StreamHandle stream);

}  // namespace offload::kernels

namespace offload::reference {

/// As the GPU's, of fp32 too: y[r] is the sum, magnitude[r] that of |y[t, r]|. `y` may end with the
/// last value that counts.
GemvResult fold(std::span<const std::byte> y, DType dtype, std::size_t rows, std::size_t ld,
                std::span<const float> sign, HostWorkers& workers);

}  // namespace offload::reference
