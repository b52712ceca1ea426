// SPDX-License-Identifier: Apache-2.0
// Several tokens by AVX512-BF16: dot products of two columns in each lane. Weights and x are read
// row by row.
//
// Compiled with flags of its own, which not every CPU can follow: nothing in here may be a template
// or an inline function that other files have too, for the linker keeps any one of them.
#include <immintrin.h>

#include <cstring>

#include "kernels/host/gemm.hpp"

namespace offload::host {
namespace {

constexpr std::size_t lanes = 32;         // columns of a vector
constexpr std::size_t tile_rows = 4;      // a tile is 4 rows x 4 tokens,
constexpr std::size_t tile_tokens = 4;    // whose sums stay in registers
constexpr std::size_t block_rows = 32;    // weights of a block stay in L2 for all tokens,
constexpr std::size_t block_cols = 2048;  // and of four rows in L1

constexpr std::size_t least(std::size_t a, std::size_t b) { return a < b ? a : b; }
constexpr std::size_t padded(std::size_t cols) { return (cols + lanes - 1) / lanes * lanes; }

bool usable() {
  return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
}

/// Row by row, each followed by zeros up to a whole vector.
std::size_t packed_values(std::size_t tokens, std::size_t cols) { return tokens * padded(cols); }

void pack(const float* x, std::size_t tokens, std::size_t cols, std::uint16_t* to) {
  std::memset(to, 0, packed_values(tokens, cols) * sizeof(std::uint16_t));
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t c = 0; c < cols; ++c) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, x + t * cols + c, sizeof(bits));
      to[t * padded(cols) + c] = static_cast<std::uint16_t>(bits >> 16);
    }
  }
}

__m512bh as_bf16(__m512i values) { return reinterpret_cast<__m512bh>(values); }

float total(__m512 sums) {
  alignas(64) float values[16];
  _mm512_store_ps(values, sums);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) values[i] += values[i + half];
  }
  return values[0];
}

/// sums[token][row] of kTokens tokens with four rows over `cols` columns. A name for each row, and
/// loops over tokens unrolled: in registers is where the sums must be.
template <int kTokens>
void dot_tile(const std::byte* const* w, const std::uint16_t* x, std::size_t x_row,
              std::size_t cols, float (*sums)[tile_rows]) {
  __m512 a[kTokens];
  __m512 b[kTokens];
  __m512 c[kTokens];
  __m512 d[kTokens];
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) a[t] = b[t] = c[t] = d[t] = _mm512_setzero_ps();
  for (std::size_t i = 0; i < cols; i += lanes) {
    const std::size_t left = cols - i;
    const __mmask32 there = left >= lanes ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
    const __m512bh row0 = as_bf16(_mm512_maskz_loadu_epi16(there, w[0] + i * 2));
    const __m512bh row1 = as_bf16(_mm512_maskz_loadu_epi16(there, w[1] + i * 2));
    const __m512bh row2 = as_bf16(_mm512_maskz_loadu_epi16(there, w[2] + i * 2));
    const __m512bh row3 = as_bf16(_mm512_maskz_loadu_epi16(there, w[3] + i * 2));
#pragma GCC unroll 4
    for (int t = 0; t < kTokens; ++t) {
      const __m512bh token =
          as_bf16(_mm512_loadu_si512(x + static_cast<std::size_t>(t) * x_row + i));
      a[t] = _mm512_dpbf16_ps(a[t], row0, token);
      b[t] = _mm512_dpbf16_ps(b[t], row1, token);
      c[t] = _mm512_dpbf16_ps(c[t], row2, token);
      d[t] = _mm512_dpbf16_ps(d[t], row3, token);
    }
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTokens; ++t) {
    sums[t][0] = total(a[t]);
    sums[t][1] = total(b[t]);
    sums[t][2] = total(c[t]);
    sums[t][3] = total(d[t]);
  }
}

/// At most four rows over the columns [c, c + cols), times all tokens.
void multiply_rows(const GemmShare& share, std::size_t first_row, std::size_t rows, std::size_t c,
                   std::size_t cols) {
  const std::size_t x_row = padded(share.cols);
  const std::byte* w[tile_rows];  // past the end the last row stands in: its sums are dropped
  for (std::size_t r = 0; r < tile_rows; ++r) {
    w[r] = share.w + ((first_row + least(r, rows - 1)) * share.cols + c) * 2;
  }
  for (std::size_t t = 0; t < share.tokens; t += tile_tokens) {
    const std::size_t tokens = least(tile_tokens, share.tokens - t);
    const std::uint16_t* x = share.packed + t * x_row + c;
    float sums[tile_tokens][tile_rows];
    if (tokens == 1) dot_tile<1>(w, x, x_row, cols, sums);
    if (tokens == 2) dot_tile<2>(w, x, x_row, cols, sums);
    if (tokens == 3) dot_tile<3>(w, x, x_row, cols, sums);
    if (tokens == 4) dot_tile<4>(w, x, x_row, cols, sums);
    for (std::size_t k = 0; k < tokens; ++k) {
      float* y = share.y + (t + k) * share.ld_y + first_row;
      for (std::size_t r = 0; r < rows; ++r) y[r] = sums[k][r] + (c == 0 ? 0.0F : y[r]);
    }
  }
}

void gemm_rows(const GemmShare& share) {
  for (std::size_t block = 0; block < share.rows; block += block_rows) {
    const std::size_t end = least(block + block_rows, share.rows);
    for (std::size_t c = 0; c == 0 || c < share.cols; c += block_cols) {  // no columns: zeros
      const std::size_t cols = least(block_cols, share.cols - c);
      for (std::size_t r = block; r < end; r += tile_rows) {
        multiply_rows(share, r, least(tile_rows, end - r), c, cols);
      }
    }
  }
}

}  // namespace

const Bf16Unit& avx512_unit() {
  static constexpr Bf16Unit unit{"AVX512-BF16", usable, false,    tile_rows,
                                 packed_values, pack,   gemm_rows};
  return unit;
}

}  // namespace offload::host
