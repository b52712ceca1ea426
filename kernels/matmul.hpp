// SPDX-License-Identifier: Apache-2.0
// Y = X W^T: one token, and many on the CPU (the GPU has cuBLASLt for them); and the fold that
// checks a product of many.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
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

/// out[r] = sum_t sign[t] * y[t, r] in fp32, for `tokens` rows of y that lie `ld` values apart and
/// of which the first `rows` values count: bf16 or fp16. The same sum in every run. `sign` and
/// `out` are device memory.
void fold(const void* y, DType dtype, std::size_t tokens, std::size_t rows, std::size_t ld,
          const float* sign, float* out, StreamHandle stream);

}  // namespace offload::kernels

namespace offload::host {

/// As the GPU's; x is fp32 here (converted once, outside the timing), y fp32.
void gemv(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
          float* y, HostWorkers& workers);

/// What some CPUs have beside fp32: a unit that multiplies bf16 and adds in fp32.
struct Bf16Unit;
std::string_view name(const Bf16Unit& unit);
/// Those that can be used here, the fastest first.
std::vector<const Bf16Unit*> bf16_units();

/// x of gemm(): made once, outside the timing. Where all values are bf16, packed for such a unit.
class GemmInput {
 public:
  /// x[tokens, cols], row-major, must outlive this. For the fastest unit there is, or `unit`;
  /// nullptr for none.
  GemmInput(const float* x, std::size_t tokens, std::size_t cols);
  GemmInput(const float* x, std::size_t tokens, std::size_t cols, const Bf16Unit* unit);

  const float* values() const { return x_; }
  /// nullptr where products are made in fp32.
  const Bf16Unit* unit() const { return unit_; }
  const std::uint16_t* packed() const { return packed_.get(); }

 private:
  struct Free {
    void operator()(std::uint16_t* values) const;
  };
  const float* x_;
  const Bf16Unit* unit_ = nullptr;
  std::unique_ptr<std::uint16_t[], Free> packed_;
};

/// y[tokens, ld_y] = x[tokens, cols] w[rows, cols]^T by the first `tokens` of x, all row-major and
/// y fp32: of each row of y the first `rows` values are written. Weights are read from memory once
/// for 256 tokens. A unit counts subnormal bf16 values as zero; fp16 weights meet fp32's
/// arithmetic.
void gemm(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const GemmInput& x,
          std::size_t tokens, float* y, std::size_t ld_y, HostWorkers& workers);

}  // namespace offload::host

namespace offload::reference {

struct GemvResult {
  std::vector<double> y;
  std::vector<double> magnitude;  // sum_c |w * x|: what an error is measured against
  std::vector<double> norm;       // sqrt(sum_c w^2), of gemv() alone
};
GemvResult gemv(std::span<const std::byte> w, DType dtype, std::size_t rows, std::size_t cols,
                std::span<const float> x, HostWorkers& workers);

/// As the GPU's fold, of fp32 too: y[r] is the sum, magnitude[r] that of |y[t, r]|. `y` may end
/// with the last value that counts.
GemvResult fold(std::span<const std::byte> y, DType dtype, std::size_t rows, std::size_t ld,
                std::span<const float> sign, HostWorkers& workers);

}  // namespace offload::reference
