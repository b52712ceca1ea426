// SPDX-License-Identifier: Apache-2.0
// Several tokens by AMX: tiles of 16 rows of weights x 16 tokens in fp32. Weights are one operand
// as they lie, row-major; x is the other, packed once in pairs of columns.
//
// Compiled with flags of its own, which not every CPU can follow: nothing in here may be a template
// or an inline function that other files have too, for the linker keeps any one of them.
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "kernels/host/gemm.hpp"

namespace offload::host {
namespace {

constexpr std::size_t tile_rows = 16;  // of weights, and tokens, of one tile
constexpr std::size_t tile_cols = 32;  // columns that one instruction multiplies
constexpr std::size_t tile_bytes = 1024;
constexpr std::size_t tile_values = tile_bytes / sizeof(float);  // sums of one tile
constexpr std::size_t panel_rows = 2 * tile_rows;
constexpr std::size_t block_rows = 8 * panel_rows;  // share one walk over x: it comes from L3
constexpr std::size_t block_steps = 32;             // of tile_cols
constexpr std::size_t most_groups = 16;             // of 16 tokens, that one walk over w serves
constexpr std::size_t in_place_groups = 4;  // of more, w is read so often that it must be in L1

constexpr std::size_t least(std::size_t a, std::size_t b) { return a < b ? a : b; }
constexpr std::size_t parts(std::size_t whole, std::size_t part) {
  return (whole + part - 1) / part;
}

struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

bool usable() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned amx_bf16 = 1U << 22;
  constexpr unsigned amx_tile = 1U << 24;
  if ((d & amx_bf16) == 0 || (d & amx_tile) == 0) return false;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) return false;
  // The tiles' state is large: Linux saves it only for processes that have asked.
  constexpr long arch_req_xcomp_perm = 0x1023;
  constexpr long xfeature_xtiledata = 18;
  return syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_xtiledata) == 0;
}

/// Groups of 16 tokens one after the other; of each, tiles of 32 columns; in a tile 16 rows, each
/// two columns of the 16 tokens. Zeros fill the last ones up.
std::size_t packed_values(std::size_t tokens, std::size_t cols) {
  return parts(tokens, tile_rows) * parts(cols, tile_cols) * tile_bytes / sizeof(std::uint16_t);
}

void pack(const float* x, std::size_t tokens, std::size_t cols, std::uint16_t* to) {
  const std::size_t steps = parts(cols, tile_cols);
  std::memset(to, 0, packed_values(tokens, cols) * sizeof(std::uint16_t));
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t c = 0; c < cols; ++c) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, x + t * cols + c, sizeof(bits));
      std::uint16_t* tile =
          to + (t / tile_rows * steps + c / tile_cols) * (tile_bytes / sizeof(std::uint16_t));
      tile[c % tile_cols / 2 * tile_cols + t % tile_rows * 2 + c % 2] =
          static_cast<std::uint16_t>(bits >> 16);
    }
  }
}

/// Tiles of a panel, in the order in which they are multiplied.
struct Panel {
  const std::byte* first;
  std::size_t second;     // from a tile to the one of 16 rows below
  std::size_t row_bytes;  // from row to row of a tile
  std::size_t step;       // from a tile to that of the next 32 columns
};

/// Where the lines of the panel after this one are, to be on their way meanwhile.
struct Ahead {
  const std::byte* at;
  std::size_t row_bytes;
  std::size_t rows;  // by this product
  std::size_t step;
};

/// sums[2 x 16 rows, kGroups x 16 tokens] += panel x: by tiles 0 to 3, from 4, 5 (w) and 6, 7 (x).
template <int kGroups>
void multiply(const Panel& panel, const std::uint16_t* x, std::size_t x_group, std::size_t steps,
              float* sums, std::size_t sums_below, bool first, const Ahead& ahead) {
  constexpr int line = 64;
  if (first) {
    _tile_zero(0);
    _tile_zero(2);
    if (kGroups > 1) _tile_zero(1);
    if (kGroups > 1) _tile_zero(3);
  } else {
    _tile_loadd(0, sums, line);
    _tile_loadd(2, sums + sums_below, line);
    if (kGroups > 1) _tile_loadd(1, sums + tile_values, line);
    if (kGroups > 1) _tile_loadd(3, sums + sums_below + tile_values, line);
  }
  for (std::size_t i = 0; i < steps; ++i) {
    const std::byte* w = panel.first + i * panel.step;
    const std::uint16_t* tokens = x + i * (tile_bytes / sizeof(std::uint16_t));
    _tile_loadd(6, tokens, line);
    _tile_loadd(4, w, panel.row_bytes);
    _tile_dpbf16ps(0, 4, 6);
    if (kGroups > 1) _tile_loadd(7, tokens + x_group, line);
    if (kGroups > 1) _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, w + panel.second, panel.row_bytes);
    _tile_dpbf16ps(2, 5, 6);
    if (kGroups > 1) _tile_dpbf16ps(3, 5, 7);
    for (std::size_t row = 0; row < ahead.rows; ++row) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead.at + row * ahead.row_bytes + i * ahead.step),
                   _MM_HINT_T1);
    }
  }
  _tile_stored(0, sums, line);
  _tile_stored(2, sums + sums_below, line);
  if (kGroups > 1) _tile_stored(1, sums + tile_values, line);
  if (kGroups > 1) _tile_stored(3, sums + sums_below + tile_values, line);
}

/// 32 codes of fp8 as bf16: s eeee mmm becomes s (eeee + 120) mmm0000; subnormal ones, of which
/// there are seven, are normal in bf16.
__m512i widen_fp8(__m256i codes) {
  const __m512i subnormal = _mm512_castsi128_si512(
      _mm_setr_epi16(0, 0x3B00, 0x3B80, 0x3BC0, 0x3C00, 0x3C20, 0x3C40, 0x3C60));
  const __m512i wide = _mm512_cvtepu8_epi16(codes);
  const __m512i magnitude = _mm512_and_si512(wide, _mm512_set1_epi16(0x7F));
  const __m512i sign = _mm512_slli_epi16(_mm512_xor_si512(wide, magnitude), 8);
  __m512i value = _mm512_add_epi16(_mm512_slli_epi16(magnitude, 4), _mm512_set1_epi16(120 << 7));
  value = _mm512_mask_permutexvar_epi16(
      value, _mm512_cmplt_epu16_mask(magnitude, _mm512_set1_epi16(8)), magnitude, subnormal);
  value = _mm512_mask_mov_epi16(value, _mm512_cmpeq_epu16_mask(magnitude, _mm512_set1_epi16(0x7F)),
                                _mm512_set1_epi16(0x7FC0));
  return _mm512_or_si512(value, sign);
}

/// Up to 32 rows and block_steps x 32 columns of w as whole tiles, followed by zeros.
void copy_panel(const std::byte* w, std::size_t row_bytes, bool fp8, std::size_t rows,
                std::size_t cols, std::byte* to) {
  constexpr std::size_t second = block_steps * tile_bytes;
  for (std::size_t row = 0; row < panel_rows; ++row) {
    std::byte* const row_to = to + row / tile_rows * second + row % tile_rows * 64;
    for (std::size_t c = 0; c < cols; c += tile_cols) {
      __m512i values = _mm512_setzero_si512();
      if (row < rows) {
        const std::byte* from = w + row * row_bytes + c * (fp8 ? 1 : 2);
        const std::size_t left = cols - c;
        const __mmask32 there = left >= tile_cols ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
        values = fp8 ? widen_fp8(_mm256_maskz_loadu_epi8(there, from))
                     : _mm512_maskz_loadu_epi16(there, from);
      }
      _mm512_store_si512(row_to + c / tile_cols * tile_bytes, values);
    }
  }
}

/// The sums of a block, a tile after the other, as rows of y.
void write_sums(const float* sums, std::size_t rows, const GemmShare& share, std::size_t groups,
                std::size_t first_row, std::size_t first_token, std::size_t tokens) {
  const __m512i column =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(tile_rows));
  for (std::size_t r = 0; r < rows; r += tile_rows) {
    const std::size_t left = rows - r;
    const auto there = static_cast<__mmask16>(left >= tile_rows ? 0xFFFF : (1U << left) - 1);
    for (std::size_t t = 0; t < tokens; ++t) {
      const float* tile = sums + (r / tile_rows * groups + t / tile_rows) * tile_values;
      float* y = share.y + (first_token + t) * share.ld_y + first_row + r;
      _mm512_mask_storeu_ps(y, there,
                            _mm512_mask_i32gather_ps(_mm512_setzero_ps(), there, column,
                                                     tile + t % tile_rows, sizeof(float)));
    }
  }
}

/// Rows [first_row, first_row + rows), at most block_rows, times at most most_groups of tokens.
void multiply_block(const GemmShare& share, std::size_t first_row, std::size_t rows,
                    std::size_t first_token, std::size_t tokens) {
  alignas(64) float sums[block_rows / tile_rows * most_groups * tile_values];
  alignas(64) std::byte copied[2 * block_steps * tile_bytes];
  const bool fp8 = share.dtype == DType::fp8_e4m3;
  const std::size_t element = fp8 ? 1 : 2;
  const std::size_t row_bytes = share.cols * element;
  const std::size_t steps = parts(share.cols, tile_cols);
  const std::size_t groups = parts(tokens, tile_rows);
  const std::size_t pairs = parts(groups, 2);
  const std::size_t x_group = steps * tile_bytes / sizeof(std::uint16_t);
  const std::size_t sums_below = groups * tile_values;
  const std::uint16_t* const x = share.packed + first_token / tile_rows * x_group;
  const std::byte* const w = share.w + first_row * row_bytes;
  const bool more_rows = first_row + rows < share.rows;

  if (steps == 0) std::memset(sums, 0, sizeof(sums));
  for (std::size_t step = 0; step < steps; step += block_steps) {
    const std::size_t block = least(block_steps, steps - step);
    const std::size_t cols = least(block * tile_cols, share.cols - step * tile_cols);
    const std::byte* const block_w = w + step * tile_cols * element;
    for (std::size_t r = 0; r < rows; r += panel_rows) {
      const std::byte* const at = block_w + r * row_bytes;
      Panel panel{at, tile_rows * row_bytes, row_bytes, tile_cols * element};
      const std::size_t there = least(panel_rows, rows - r);
      const bool whole = there == panel_rows && cols == block * tile_cols;
      if (!whole || fp8 || groups > in_place_groups) {
        copy_panel(at, row_bytes, fp8, there, cols, copied);
        panel = {copied, block_steps * tile_bytes, 64, tile_bytes};
      }
      const std::byte* next = nullptr;
      if (r + panel_rows < rows) {
        next = at + panel_rows * row_bytes;
      } else if (step + block < steps) {
        next = block_w + block * tile_cols * element;
      } else if (more_rows) {
        next = w + rows * row_bytes;
      }
      const std::size_t ahead_rows = parts(panel_rows, pairs);
      for (std::size_t pair = 0; pair < pairs; ++pair) {
        const std::size_t group = 2 * pair;
        const Ahead ahead{next == nullptr ? at : next + pair * ahead_rows * row_bytes, row_bytes,
                          next == nullptr ? 0 : ahead_rows, tile_cols * element};
        const std::uint16_t* tokens_at =
            x + group * x_group + step * (tile_bytes / sizeof(std::uint16_t));
        float* const to = sums + (r / tile_rows * groups + group) * tile_values;
        if (group + 1 < groups) {
          multiply<2>(panel, tokens_at, x_group, block, to, sums_below, step == 0, ahead);
        } else {
          multiply<1>(panel, tokens_at, x_group, block, to, sums_below, step == 0, ahead);
        }
      }
    }
  }
  write_sums(sums, rows, share, groups, first_row, first_token, tokens);
}

void gemm_rows(const GemmShare& share) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = tile_rows;
  }
  _tile_loadconfig(&config);
  for (std::size_t t = 0; t < share.tokens; t += most_groups * tile_rows) {
    const std::size_t tokens = least(most_groups * tile_rows, share.tokens - t);
    for (std::size_t r = 0; r < share.rows; r += block_rows) {
      multiply_block(share, r, least(block_rows, share.rows - r), t, tokens);
    }
  }
  _tile_release();
}

}  // namespace

const Bf16Unit& amx_unit() {
  static constexpr Bf16Unit unit{"AMX-BF16",    usable, true,     panel_rows,
                                 packed_values, pack,   gemm_rows};
  return unit;
}

}  // namespace offload::host
