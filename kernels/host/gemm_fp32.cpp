// SPDX-License-Identifier: Apache-2.0
// Several tokens in fp32: y = x W^T. Compiled once per instruction set by foreach_target.h; the
// best one is chosen at run time.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/host/gemm.hpp"
#include "kernels/reference/floats.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/host/gemm_fp32.cpp"  // NOLINT
#include <hwy/foreach_target.h>                          // IWYU pragma: keep

#include <hwy/highway.h>

#include "kernels/host/widen-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace offload::host::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR  // no vectors: what old Highway falls back to with old GCC

void gemm_rows(const GemmShare& share) {
  const std::size_t size = bytes_of(share.dtype);
  std::vector<float> row(share.cols);
  for (std::size_t r = 0; r < share.rows; ++r) {
    for (std::size_t c = 0; c < share.cols; ++c) {
      row[c] = reference::to_float(share.dtype, share.w + (r * share.cols + c) * size);
    }
    for (std::size_t t = 0; t < share.tokens; ++t) {
      float sum = 0;
      for (std::size_t c = 0; c < share.cols; ++c) sum += row[c] * share.x[t * share.cols + c];
      share.y[t * share.ld_y + r] = sum;
    }
  }
}

#else

namespace {

// A codec turns one step, two vectors of columns, of a row into floats.

struct Bf16 {
  static constexpr std::size_t element = 2;
  static constexpr float scale = 1.0F;
  static HWY_INLINE void widen(const std::uint8_t* w, FloatVec& first, FloatVec& second) {
    first = widen_bf16(load_half_words(w));
    second = widen_bf16(load_half_words(w + element * hn::Lanes(Floats())));
  }
};

struct Fp16 {
  static constexpr std::size_t element = 2;
  static constexpr float scale = 1.0F;
  static HWY_INLINE void widen(const std::uint8_t* w, FloatVec& first, FloatVec& second) {
    first = widen_fp16(load_half_words(w));
    second = widen_fp16(load_half_words(w + element * hn::Lanes(Floats())));
  }
};

/// The bits s eeee mmm, placed at s 0eeee mmm0000000, are the same number in fp16 times 2^-8
/// (biases 7 and 15), subnormals included; `scale` takes the factor back. The NaN codes, all of
/// eeee mmm set, would come out finite: they get fp16's greatest exponent, which makes them NaNs.
struct Fp8E4M3 {
  static constexpr std::size_t element = 1;
  static constexpr float scale = 256.0F;
  static HWY_INLINE void widen(const std::uint8_t* w, FloatVec& first, FloatVec& second) {
    const hn::Repartition<std::uint16_t, Floats> d16;
    const hn::Rebind<std::uint8_t, decltype(d16)> d8;
    const hn::Half<decltype(d16)> half;
    const auto codes = hn::PromoteTo(d16, hn::LoadU(d8, w));
    const auto magnitude = hn::And(codes, hn::Set(d16, 0x7F));
    const auto sign = hn::ShiftLeft<8>(hn::Xor(codes, magnitude));
    const auto nan =
        hn::IfThenElseZero(hn::Eq(magnitude, hn::Set(d16, 0x7F)), hn::Set(d16, 0x7C00));
    const auto fp16 = hn::Or(hn::Or(sign, nan), hn::ShiftLeft<7>(magnitude));
    first = widen_fp16(hn::LowerHalf(half, fp16));
    second = widen_fp16(hn::UpperHalf(half, fp16));
  }
};

/// A tile is 4 rows times this many tokens, whose sums stay in registers: 16 of 32, or 8 of 16.
constexpr std::size_t tile_rows = 4;
constexpr bool many_registers = HWY_ARCH_ARM_A64 || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3);
constexpr std::size_t tile_tokens = many_registers ? 4 : 2;
constexpr std::size_t max_step = HWY_MAX_BYTES / sizeof(float) * 2;  // columns of a step

using RowStarts = std::array<const std::uint8_t*, tile_rows>;
using TokenStarts = std::array<const float*, 4>;
using Sums = std::array<std::array<float, tile_rows>, 4>;  // of each token

/// The dot products of 4 rows with kTokens tokens over `cols` columns.
template <typename Codec, std::size_t kTokens>
HWY_INLINE void dot_tile(const RowStarts& w, const TokenStarts& x, std::size_t cols, Sums& sums) {
  const Floats d;
  const std::size_t n = hn::Lanes(d);
  // A letter for each row. Not an array: vectors of SVE have no size known to the compiler.
  FloatVec a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
  FloatVec b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  FloatVec c0 = a0, c1 = a0, c2 = a0, c3 = a0;
  FloatVec d0 = a0, d1 = a0, d2 = a0, d3 = a0;
  const auto step = [&](const RowStarts& rows, const TokenStarts& tokens, std::size_t i) HWY_ATTR {
    const auto load = [&](std::size_t token, std::size_t at) HWY_ATTR {
      return token < kTokens ? hn::LoadU(d, tokens[token] + at) : hn::Zero(d);
    };
    const auto x00 = load(0, i), x10 = load(1, i), x20 = load(2, i), x30 = load(3, i);
    const auto x01 = load(0, i + n), x11 = load(1, i + n), x21 = load(2, i + n),
               x31 = load(3, i + n);
    const auto add_row = [&](const std::uint8_t* row, FloatVec& s0, FloatVec& s1, FloatVec& s2,
                             FloatVec& s3) HWY_ATTR {
      FloatVec w0 = hn::Zero(d);
      FloatVec w1 = w0;
      Codec::widen(row + i * Codec::element, w0, w1);
      s0 = hn::MulAdd(w1, x01, hn::MulAdd(w0, x00, s0));
      if constexpr (kTokens > 1) s1 = hn::MulAdd(w1, x11, hn::MulAdd(w0, x10, s1));
      if constexpr (kTokens > 2) s2 = hn::MulAdd(w1, x21, hn::MulAdd(w0, x20, s2));
      if constexpr (kTokens > 3) s3 = hn::MulAdd(w1, x31, hn::MulAdd(w0, x30, s3));
    };
    add_row(rows[0], a0, a1, a2, a3);
    add_row(rows[1], b0, b1, b2, b3);
    add_row(rows[2], c0, c1, c2, c3);
    add_row(rows[3], d0, d1, d2, d3);
  };

  std::size_t i = 0;
  for (; i + 2 * n <= cols; i += 2 * n) step(w, x, i);
  if (i < cols) {  // the rest of the rows, followed by zeros
    std::array<std::array<std::uint8_t, max_step * Codec::element>, tile_rows> weights{};
    std::array<std::array<float, max_step>, kTokens> inputs{};
    RowStarts rows;
    TokenStarts tokens;
    for (std::size_t r = 0; r < tile_rows; ++r) {
      std::memcpy(weights[r].data(), w[r] + i * Codec::element, (cols - i) * Codec::element);
      rows[r] = weights[r].data();
    }
    for (std::size_t t = 0; t < kTokens; ++t) {
      std::memcpy(inputs[t].data(), x[t] + i, (cols - i) * sizeof(float));
      tokens[t] = inputs[t].data();
    }
    step(rows, tokens, 0);
  }

  const auto total = [&](FloatVec lanes) HWY_ATTR { return hn::GetLane(hn::SumOfLanes(d, lanes)); };
  sums[0] = {total(a0), total(b0), total(c0), total(d0)};
  if constexpr (kTokens > 1) sums[1] = {total(a1), total(b1), total(c1), total(d1)};
  if constexpr (kTokens > 2) sums[2] = {total(a2), total(b2), total(c2), total(d2)};
  if constexpr (kTokens > 3) sums[3] = {total(a3), total(b3), total(c3), total(d3)};
}

template <typename Codec>
void dot_tile(const RowStarts& w, const TokenStarts& x, std::size_t tokens, std::size_t cols,
              Sums& sums) {
  if (tokens == 1) return dot_tile<Codec, 1>(w, x, cols, sums);
  if (tokens == 2) return dot_tile<Codec, 2>(w, x, cols, sums);
  if constexpr (tile_tokens > 2) {
    if (tokens == 3) return dot_tile<Codec, 3>(w, x, cols, sums);
    return dot_tile<Codec, 4>(w, x, cols, sums);
  }
}

/// The part of a share that is multiplied while its x stays in the cache. Its weights stay there
/// for all tokens.
struct Block {
  std::size_t first_row, rows;
  std::size_t first_col, cols;
  std::size_t first_token, tokens;
};
constexpr std::size_t block_tokens = 64;
constexpr std::size_t block_rows = 64;
constexpr std::size_t block_cols = 4096;  // so that x of a block takes 1 MiB, and w 512 KiB

/// At most tile_rows rows. They come from memory for the first tile of tokens, and from the cache
/// for the others.
template <typename Codec>
void multiply_rows(const GemmShare& share, const Block& block) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(share.w);
  RowStarts w;  // past the end the last row stands in: its sums are made again, and dropped
  for (std::size_t r = 0; r < tile_rows; ++r) {
    const std::size_t row = block.first_row + std::min(r, block.rows - 1);
    w[r] = bytes + (row * share.cols + block.first_col) * Codec::element;
  }
  for (std::size_t t = 0; t < block.tokens; t += tile_tokens) {
    const std::size_t tokens = std::min(tile_tokens, block.tokens - t);
    TokenStarts x{};
    for (std::size_t k = 0; k < tokens; ++k) {
      x[k] = share.x + (block.first_token + t + k) * share.cols + block.first_col;
    }
    Sums sums;
    dot_tile<Codec>(w, x, tokens, block.cols, sums);
    for (std::size_t k = 0; k < tokens; ++k) {
      float* y = share.y + (block.first_token + t + k) * share.ld_y + block.first_row;
      for (std::size_t r = 0; r < block.rows; ++r) {
        y[r] = Codec::scale * sums[k][r] + (block.first_col == 0 ? 0.0F : y[r]);
      }
    }
  }
}

template <typename Codec>
void multiply(const GemmShare& share) {
  for (std::size_t rows = 0; rows < share.rows; rows += block_rows) {
    const std::size_t end = std::min(rows + block_rows, share.rows);
    for (std::size_t c = 0; c == 0 || c < share.cols; c += block_cols) {  // no columns: zeros
      const std::size_t cols = std::min(block_cols, share.cols - c);
      for (std::size_t t = 0; t < share.tokens; t += block_tokens) {
        const std::size_t tokens = std::min(block_tokens, share.tokens - t);
        for (std::size_t r = rows; r < end; r += tile_rows) {
          multiply_rows<Codec>(share, {r, std::min(tile_rows, end - r), c, cols, t, tokens});
        }
      }
    }
  }
}

}  // namespace

void gemm_rows(const GemmShare& share) {
  if (share.dtype == DType::bf16) multiply<Bf16>(share);
  if (share.dtype == DType::fp16) multiply<Fp16>(share);
  if (share.dtype == DType::fp8_e4m3) multiply<Fp8E4M3>(share);
}

#endif

}  // namespace offload::host::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace offload::host {

HWY_EXPORT(gemm_rows);

void gemm_rows_fp32(const GemmShare& share) { HWY_DYNAMIC_DISPATCH(gemm_rows)(share); }

}  // namespace offload::host
#endif
