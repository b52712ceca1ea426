// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set by foreach_target.h; the best one is chosen at run time.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/matmul.hpp"
#include "kernels/reference/floats.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/host/gemv.cpp"  // NOLINT
#include <hwy/foreach_target.h>                     // IWYU pragma: keep

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "kernels/host/widen-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace offload::host::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR  // no vectors: what old Highway falls back to with old GCC

void gemv_rows(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
               float* y) {
  const std::size_t size = bytes_of(dtype);
  for (std::size_t r = 0; r < rows; ++r) {
    float sum = 0;
    for (std::size_t c = 0; c < cols; ++c) {
      sum += reference::to_float(dtype, w + (r * cols + c) * size) * x[c];
    }
    y[r] = sum;
  }
}

#else

using Codes =
    hn::Rebind<std::uint8_t, hn::Repartition<std::uint16_t, Floats>>;  // two Floats' lanes
using CodeVec = hn::Vec<Codes>;

// A codec turns weights into floats and adds the products of one step, two vectors of columns, to
// a row's sums.

struct Bf16 {
  static constexpr std::size_t element = 2;
  static constexpr float scale = 1.0F;

  static HWY_INLINE FloatVec widen(const std::uint8_t* w) { return widen_bf16(load_half_words(w)); }
  static HWY_INLINE void add(const std::uint8_t* w, FloatVec x0, FloatVec x1, FloatVec& sum,
                             CodeVec& /*greatest*/) {
    sum = hn::MulAdd(widen(w), x0, sum);
    sum = hn::MulAdd(widen(w + element * hn::Lanes(Floats())), x1, sum);
  }
};

struct Fp16 {
  static constexpr std::size_t element = 2;
  static constexpr float scale = 1.0F;

  static HWY_INLINE FloatVec widen(const std::uint8_t* w) { return widen_fp16(load_half_words(w)); }
  static HWY_INLINE void add(const std::uint8_t* w, FloatVec x0, FloatVec x1, FloatVec& sum,
                             CodeVec& /*greatest*/) {
    sum = hn::MulAdd(widen(w), x0, sum);
    sum = hn::MulAdd(widen(w + element * hn::Lanes(Floats())), x1, sum);
  }
};

/// The bits s eeee mmm, placed at s 0eeee mmm0000000, are the same number in fp16 times 2^-8
/// (biases 7 and 15), subnormals included: rows are scaled back once, at their end. Only the NaN
/// codes, all of eeee mmm set, come out finite; `greatest` tells that there was one.
struct Fp8E4M3 {
  static constexpr std::size_t element = 1;
  static constexpr float scale = 256.0F;

  static HWY_INLINE void add(const std::uint8_t* w, FloatVec x0, FloatVec x1, FloatVec& sum,
                             CodeVec& greatest) {
    const hn::Repartition<std::int16_t, Floats> d16;
    const hn::Rebind<std::int8_t, decltype(d16)> signed8;
    const hn::Half<decltype(d16)> half;
    const auto codes = hn::LoadU(Codes(), w);
    greatest = hn::Max(greatest, hn::And(codes, hn::Set(Codes(), 0x7F)));
    // Sign-extended to s ssss ssss eeee mmm: one shift brings sign and magnitude into place.
    const auto wide = hn::ShiftLeft<7>(hn::PromoteTo(d16, hn::BitCast(signed8, codes)));
    const auto fp16 = hn::And(wide, hn::Set(d16, static_cast<std::int16_t>(0xBF80)));
    const auto low = hn::BitCast(HalfFloats(), hn::LowerHalf(half, fp16));
    const auto high = hn::BitCast(HalfFloats(), hn::UpperHalf(half, fp16));
    sum = hn::MulAdd(hn::PromoteTo(Floats(), low), x0, sum);
    sum = hn::MulAdd(hn::PromoteTo(Floats(), high), x1, sum);
  }
};

constexpr std::size_t rows_at_once = 8;
constexpr std::size_t bytes_ahead = 2048;
using RowStarts = std::array<const std::uint8_t*, rows_at_once>;

/// Eight dot products at once. Each x is loaded once for eight weights: it is fp32 and a row of it
/// need not fit in L1, so fewer rows would read more bytes of x from L2 than weights from memory.
/// Eight independent sums also hide the latency of the additions, and are as many streams as
/// hardware prefetchers follow well. True if a NaN code of fp8 was seen in any of the rows.
template <typename Codec>
HWY_INLINE bool dot_eight(const RowStarts& w, std::size_t cols, const float* x,
                          std::array<float, rows_at_once>& y) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  // Not an array: vectors of SVE have no size known to the compiler.
  FloatVec s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  CodeVec greatest = hn::Zero(Codes());
  const auto step = [&](const RowStarts& from, std::size_t offset, const float* inputs) HWY_ATTR {
    const auto x0 = hn::LoadU(d, inputs);
    const auto x1 = hn::LoadU(d, inputs + n);
    Codec::add(from[0] + offset, x0, x1, s0, greatest);
    Codec::add(from[1] + offset, x0, x1, s1, greatest);
    Codec::add(from[2] + offset, x0, x1, s2, greatest);
    Codec::add(from[3] + offset, x0, x1, s3, greatest);
    Codec::add(from[4] + offset, x0, x1, s4, greatest);
    Codec::add(from[5] + offset, x0, x1, s5, greatest);
    Codec::add(from[6] + offset, x0, x1, s6, greatest);
    Codec::add(from[7] + offset, x0, x1, s7, greatest);
  };

  const std::size_t row_bytes = cols * Codec::element;
  std::size_t i = 0;
  for (; i + 2 * n <= cols; i += 2 * n) {
    // At a row's end come the next eight rows.
    const std::size_t ahead = i * Codec::element + bytes_ahead;
    const std::size_t at = ahead < row_bytes ? ahead : ahead + (rows_at_once - 1) * row_bytes;
    for (std::size_t k = 0; k < rows_at_once; ++k) hwy::Prefetch(w[k] + at);
    step(w, i * Codec::element, x + i);
  }
  if (i < cols) {  // the rest of the rows, followed by zeros
    constexpr std::size_t most = HWY_MAX_BYTES / sizeof(float) * 2;  // columns of a step
    std::array<std::array<std::uint8_t, most * Codec::element>, rows_at_once> rest{};
    std::array<float, most> inputs{};
    RowStarts starts;
    for (std::size_t row = 0; row < rows_at_once; ++row) {
      std::memcpy(rest[row].data(), w[row] + i * Codec::element, (cols - i) * Codec::element);
      starts[row] = rest[row].data();
    }
    std::memcpy(inputs.data(), x + i, (cols - i) * sizeof(float));
    step(starts, 0, inputs.data());
  }

  const auto total = [&](FloatVec sums)
                         HWY_ATTR { return Codec::scale * hn::GetLane(hn::SumOfLanes(d, sums)); };
  y = {total(s0), total(s1), total(s2), total(s3), total(s4), total(s5), total(s6), total(s7)};
  return !hn::AllFalse(Codes(), hn::Eq(greatest, hn::Set(Codes(), 0x7F)));
}

template <typename Codec>
void dot_rows(const std::byte* w, std::size_t rows, std::size_t cols, const float* x, float* y) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(w);
  const std::size_t row_bytes = cols * Codec::element;
  for (std::size_t r = 0; r < rows; r += rows_at_once) {
    RowStarts starts;  // past the end the last row stands in: its sum is made again, and dropped
    for (std::size_t k = 0; k < rows_at_once; ++k) {
      starts[k] = bytes + std::min(r + k, rows - 1) * row_bytes;
    }
    std::array<float, rows_at_once> sums;
    const bool any_nan = dot_eight<Codec>(starts, cols, x, sums);
    for (std::size_t k = 0; k < rows_at_once && r + k < rows; ++k) {
      const bool nan = any_nan && std::any_of(starts[k], starts[k] + cols, [](std::uint8_t code) {
                         return (code & 0x7F) == 0x7F;
                       });
      y[r + k] = nan ? std::numeric_limits<float>::quiet_NaN() : sums[k];
    }
  }
}

void gemv_rows(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
               float* y) {
  if (dtype == DType::bf16) dot_rows<Bf16>(w, rows, cols, x, y);
  if (dtype == DType::fp16) dot_rows<Fp16>(w, rows, cols, x, y);
  if (dtype == DType::fp8_e4m3) dot_rows<Fp8E4M3>(w, rows, cols, x, y);
}

#endif

}  // namespace offload::host::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace offload::host {

HWY_EXPORT(gemv_rows);

void gemv(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
          float* y, HostWorkers& workers) {
  if (dtype != DType::bf16 && dtype != DType::fp16 && dtype != DType::fp8_e4m3) {
    throw std::invalid_argument("gemv on the CPU reads bf16, fp16 and fp8_e4m3 weights, not " +
                                std::string(name(dtype)));
  }
  // Shares of whole groups of rows, unless there are too few rows to give every worker one.
  const std::size_t grain = std::clamp<std::size_t>(rows / workers.size(), 1, 8);
  workers.enqueue(rows, grain, [=](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(gemv_rows)
    (w + begin * cols * bytes_of(dtype), dtype, end - begin, cols, x, y + begin);
  });
}

}  // namespace offload::host
#endif
