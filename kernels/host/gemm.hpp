// SPDX-License-Identifier: Apache-2.0
// What the CPU's kernels for several tokens are to gemm(): one of fp32 for every CPU, and units
// that multiply bf16.
#pragma once
#include <cstddef>
#include <cstdint>

#include "offload/dtype.hpp"

namespace offload::host {

/// y[tokens, ld_y] = x[tokens, cols] w[rows, cols]^T, for one worker's rows.
struct GemmShare {
  const std::byte* w;
  DType dtype;
  std::size_t rows;
  std::size_t cols;
  const float* x;
  const std::uint16_t* packed;  // x as a bf16 unit wants it
  std::size_t tokens;
  float* y;
  std::size_t ld_y;
};

/// By fused multiply-adds in fp32: weights of bf16, fp16, fp8_e4m3.
void gemm_rows_fp32(const GemmShare& share);

/// Multiplies bf16 by bf16 exactly and adds in fp32; subnormal numbers count as zero.
struct Bf16Unit {
  const char* name;
  /// Whether this CPU has it and the system lets this process use it.
  bool (*usable)();
  bool multiplies_fp8;  // which it widens; bf16 all do
  /// Rows that a share should be a multiple of.
  std::size_t row_step;
  /// Bf16 values that pack() writes.
  std::size_t (*packed_values)(std::size_t tokens, std::size_t cols);
  /// x, of values that are bf16. The first tokens of what is packed are those tokens packed.
  void (*pack)(const float* x, std::size_t tokens, std::size_t cols, std::uint16_t* to);
  void (*gemm_rows)(const GemmShare& share);
};

/// Never usable where the compiler or the platform has none.
const Bf16Unit& amx_unit();
const Bf16Unit& avx512_unit();

}  // namespace offload::host
