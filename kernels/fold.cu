// SPDX-License-Identifier: Apache-2.0
// The rows of a matrix added up with signs. It checks a whole product by one vector: s^T (X W^T) is
// W (X^T s), which takes the reference one GEMV, and every value of the product counts in it.
#include <stdexcept>
#include <string>

#include "kernels/decode.cuh"
#include "kernels/fold.hpp"
#include "kernels/launch.cuh"

namespace offload::kernels {
namespace {

/// A block owns a tile of columns and all of their tokens, so that sums are made in one order.
constexpr int tile_threads = 16;      // across, each with one load of a row of y
constexpr int token_threads = 64;     // down, each with every 64th row
constexpr std::size_t in_flight = 8;  // loads per thread before the first is used

/// kColumns = 2: one 4-byte load of two values; 1: any alignment.
template <typename Format, int kColumns>
__device__ void load(const typename Format::Element* from, float (&out)[kColumns]) {
  if constexpr (kColumns == 1) {
    out[0] = widen_element<Format>(__ldg(from));
  } else {
    static_assert(kColumns == Format::per_word);
    Format::widen(__ldg(reinterpret_cast<const unsigned*>(from)), out);
  }
}

template <typename Format, int kColumns>
__global__ void __launch_bounds__(tile_threads* token_threads)
    fold_kernel(const typename Format::Element* y, std::size_t tokens, std::size_t rows,
                std::size_t ld, const float* sign, float* out) {
  const std::size_t column = (std::size_t{blockIdx.x} * tile_threads + threadIdx.x) * kColumns;
  float sum[kColumns] = {};
  if (column < rows) {
#pragma unroll in_flight
    for (std::size_t t = threadIdx.y; t < tokens; t += token_threads) {
      float values[kColumns];
      load<Format, kColumns>(y + t * ld + column, values);
      const float factor = __ldg(sign + t);
#pragma unroll
      for (int k = 0; k < kColumns; ++k) sum[k] = fmaf(factor, values[k], sum[k]);
    }
  }
  __shared__ float sums[token_threads][tile_threads][kColumns];
#pragma unroll
  for (int k = 0; k < kColumns; ++k) sums[threadIdx.y][threadIdx.x][k] = sum[k];
  for (int half = token_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y >= half) continue;
#pragma unroll
    for (int k = 0; k < kColumns; ++k) {
      sums[threadIdx.y][threadIdx.x][k] += sums[threadIdx.y + half][threadIdx.x][k];
    }
  }
  if (threadIdx.y == 0 && column < rows) {
#pragma unroll
    for (int k = 0; k < kColumns; ++k) out[column + k] = sums[0][threadIdx.x][k];
  }
}

template <typename Format, int kColumns>
void launch(const void* y, std::size_t tokens, std::size_t rows, std::size_t ld, const float* sign,
            float* out, StreamHandle stream) {
  constexpr std::size_t tile = std::size_t{tile_threads} * kColumns;
  fold_kernel<Format, kColumns>
      <<<grid_size((rows + tile - 1) / tile), dim3(tile_threads, token_threads), 0, stream>>>(
          static_cast<const typename Format::Element*>(y), tokens, rows, ld, sign, out);
  require_success(cudaGetLastError(), "fold");
}

template <typename Format>
void launch(const void* y, std::size_t tokens, std::size_t rows, std::size_t ld, const float* sign,
            float* out, StreamHandle stream) {
  if (rows % 2 == 0 && ld % 2 == 0 && is_aligned(y, sizeof(unsigned))) {
    launch<Format, 2>(y, tokens, rows, ld, sign, out, stream);
  } else {
    launch<Format, 1>(y, tokens, rows, ld, sign, out, stream);
  }
}

}  // namespace

void fold(const void* y, DType dtype, std::size_t tokens, std::size_t rows, std::size_t ld,
          const float* sign, float* out, StreamHandle stream) {
  if (rows == 0) return;
  switch (dtype) {
    case DType::bf16:
      return launch<Bf16>(y, tokens, rows, ld, sign, out, stream);
    case DType::fp16:
      return launch<Fp16>(y, tokens, rows, ld, sign, out, stream);
    default:
      throw std::invalid_argument("fold: reads bf16 and fp16, not " + std::string(name(dtype)));
  }
}

}  // namespace offload::kernels
