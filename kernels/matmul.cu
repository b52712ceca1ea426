// SPDX-License-Identifier: Apache-2.0
// One token: y = W x. Every weight is read once, so the kernel's only task is to keep enough loads
// in flight; the arithmetic uses a quarter of the machine. And the fold that checks cuBLASLt's
// products of many.
#include <stdexcept>
#include <string>
#include <type_traits>

#include <cub/block/block_reduce.cuh>

#include "kernels/decode.cuh"
#include "kernels/launch.cuh"
#include "kernels/load.cuh"
#include "kernels/matmul.hpp"
#include "kernels/sum.cuh"

namespace offload::kernels {
namespace {

constexpr int warp_threads = 32;

/// A block computes `rows` neighbouring rows at a time, sharing one read of x. Chosen by measuring
/// 42 combinations over the projections of Llama 3.1 on an H200: a whole block on each row wins
/// over a warp at nearly every shape, because the fewer rows are open at once, the longer each
/// one's reads are.
struct Tuning16Bit {
  static constexpr int threads = 128;  // of a block
  static constexpr int rows = 1;
  static constexpr int batch = 4;   // loads in flight per thread and row
  static constexpr int blocks = 8;  // per multiprocessor; left to itself the compiler saves
                                    // registers by mixing loads and arithmetic: few in flight
};
/// Decoding two fp8 values costs as much as loading eight: sharing x among rows pays here.
struct Tuning8Bit {
  static constexpr int threads = 128;
  static constexpr int rows = 4;
  static constexpr int batch = 2;
  static constexpr int blocks = 5;
};

/// Of the rows that a block computes at once.
template <int kRows>
struct Sums {
  float of_row[kRows] = {};

  __device__ friend Sums operator+(Sums a, const Sums& b) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) a.of_row[r] += b.of_row[r];
    return a;
  }
};

/// kBatch vectors of each of kRows rows: all loads first, then the arithmetic. x is read through
/// L1, where it stays (weights do not enter L1): no staging delays the first weights, nothing
/// limits cols, and one read of x serves kRows rows. `end` counts only when kGuarded: past it
/// nothing is read, and zero weights add nothing.
template <typename Weight, typename Activation, int kRows, int kBatch, bool kGuarded>
__device__ void accumulate(const uint4* const (&row)[kRows], const uint4* x, unsigned first,
                           unsigned step, unsigned end, Sums<kRows>& sums) {
  uint4 w[kBatch][kRows] = {};
#pragma unroll
  for (int i = 0; i < kBatch; ++i) {
    const unsigned at = first + i * step;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (!kGuarded || at < end) w[i][r] = load_once(row[r] + at);
    }
  }
#pragma unroll
  for (int i = 0; i < kBatch; ++i) {
    const unsigned at = first + i * step;
    if (kGuarded && at >= end) continue;
    constexpr int x_vectors = per_vector<Weight> / per_vector<Activation>;
#pragma unroll
    for (int part = 0; part < x_vectors; ++part) {
      float xs[per_vector<Activation>];
      widen_vector<Activation>(__ldg(x + at * x_vectors + part), xs);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        float ws[per_vector<Weight>];
        widen_vector<Weight>(w[i][r], ws);
#pragma unroll
        for (int k = 0; k < per_vector<Activation>; ++k) {
          float& sum = sums.of_row[r];
          sum = fmaf(ws[part * per_vector<Activation> + k], xs[k], sum);
        }
      }
    }
  }
}

/// Rows are dealt out block by block, so that the last round is spread over all multiprocessors.
template <typename Weight, typename Activation, typename Tuning>
__global__ void __launch_bounds__(Tuning::threads, Tuning::blocks)
    gemv_kernel(const uint4* w, std::size_t rows, unsigned vectors, const uint4* x, float* y) {
  constexpr int kThreads = Tuning::threads;
  constexpr int kRows = Tuning::rows;
  constexpr int kBatch = Tuning::batch;
  using Reduce = cub::BlockReduce<Sums<kRows>, kThreads>;
  __shared__ typename Reduce::TempStorage storage;
  for (std::size_t first = std::size_t{blockIdx.x} * kRows; first < rows;
       first += std::size_t{gridDim.x} * kRows) {
    const uint4* row[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      // Rows that the last block lacks repeat its last one; their sums are not stored.
      const std::size_t index = first + r < rows ? first + r : rows - 1;
      row[r] = w + index * vectors;
    }
    Sums<kRows> sums;
    unsigned at = threadIdx.x;
    for (; at + (kBatch - 1) * kThreads < vectors; at += kBatch * kThreads) {
      accumulate<Weight, Activation, kRows, kBatch, false>(row, x, at, kThreads, vectors, sums);
    }
    if (at < vectors) {
      accumulate<Weight, Activation, kRows, kBatch, true>(row, x, at, kThreads, vectors, sums);
    }
    sums = Reduce(storage).Sum(sums);
    __syncthreads();  // the storage is free for the next rows
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (threadIdx.x == 0 && first + r < rows) y[first + r] = sums.of_row[r];
    }
  }
}

/// Any shape and alignment: one warp per row, one element per load.
template <typename Weight, typename Activation, int kThreads>
__global__ void __launch_bounds__(kThreads)
    gemv_any_kernel(const typename Weight::Element* w, std::size_t rows, std::size_t cols,
                    const typename Activation::Element* x, float* y) {
  const unsigned lane = threadIdx.x % warp_threads;
  const std::size_t warps = std::size_t{kThreads / warp_threads} * gridDim.x;
  std::size_t row = std::size_t{threadIdx.x / warp_threads} * gridDim.x + blockIdx.x;
  for (; row < rows; row += warps) {
    float sum = 0;
#pragma unroll 8
    for (std::size_t c = lane; c < cols; c += warp_threads) {
      sum = fmaf(widen_element<Weight>(__ldg(w + row * cols + c)),
                 widen_element<Activation>(__ldg(x + c)), sum);
    }
    sum = sum_of_warp(sum);
    if (lane == 0) y[row] = sum;
  }
}

struct Request {
  const std::byte* w;
  std::size_t rows;
  std::size_t cols;
  const void* x;
  float* y;
  StreamHandle stream;
};

template <typename Weight, typename Activation, typename Tuning>
void launch_vectors(const Request& request) {
  const auto kernel = gemv_kernel<Weight, Activation, Tuning>;
  const std::size_t blocks = (request.rows + Tuning::rows - 1) / Tuning::rows;
  const std::size_t vectors = request.cols * sizeof(typename Weight::Element) / sizeof(uint4);
  kernel<<<grid_size(blocks), Tuning::threads, 0, request.stream>>>(
      reinterpret_cast<const uint4*>(request.w), request.rows, static_cast<unsigned>(vectors),
      static_cast<const uint4*>(request.x), request.y);
}

template <typename Weight, typename Activation>
void launch_any(const Request& request) {
  using X = typename Activation::Element;
  constexpr int threads = 256;
  constexpr std::size_t rows_per_block = threads / warp_threads;
  const std::size_t blocks = (request.rows + rows_per_block - 1) / rows_per_block;
  gemv_any_kernel<Weight, Activation, threads><<<grid_size(blocks), threads, 0, request.stream>>>(
      reinterpret_cast<const typename Weight::Element*>(request.w), request.rows, request.cols,
      static_cast<const X*>(request.x), request.y);
}

template <typename Weight, typename Activation>
void launch(const Request& request) {
  const std::size_t row_bytes = request.cols * sizeof(typename Weight::Element);
  constexpr std::size_t longest_row = std::size_t{1} << 30;  // vectors are counted in 32 bits
  if (row_bytes % sizeof(uint4) == 0 && row_bytes <= longest_row &&
      is_aligned(request.w, sizeof(uint4)) && is_aligned(request.x, sizeof(uint4))) {
    using Tuning =
        std::conditional_t<sizeof(typename Weight::Element) == 1, Tuning8Bit, Tuning16Bit>;
    launch_vectors<Weight, Activation, Tuning>(request);
  } else {
    launch_any<Weight, Activation>(request);
  }
  require_success(cudaGetLastError(), "gemv");
}

/// The rows of a matrix added up with signs. It checks a whole product by one vector: s^T (X W^T)
/// is W (X^T s), which takes the reference one GEMV, and every value of the product counts in it.
///
/// A block owns a tile of columns and all of their tokens, so that sums are made in one order.
constexpr int tile_threads = 16;      // across, each with one load of a row of y
constexpr int token_threads = 64;     // down, each with every 64th row
constexpr std::size_t in_flight = 8;  // loads per thread before the first is used

/// kColumns = 2: one 4-byte load of two values; 1: any alignment.
template <typename Format, int kColumns>
__device__ void load_columns(const typename Format::Element* from, float (&out)[kColumns]) {
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
      load_columns<Format, kColumns>(y + t * ld + column, values);
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
void launch_fold(const void* y, std::size_t tokens, std::size_t rows, std::size_t ld,
                 const float* sign, float* out, StreamHandle stream) {
  constexpr std::size_t tile = std::size_t{tile_threads} * kColumns;
  fold_kernel<Format, kColumns>
      <<<grid_size((rows + tile - 1) / tile), dim3(tile_threads, token_threads), 0, stream>>>(
          static_cast<const typename Format::Element*>(y), tokens, rows, ld, sign, out);
  require_success(cudaGetLastError(), "fold");
}

template <typename Format>
void launch_fold(const void* y, std::size_t tokens, std::size_t rows, std::size_t ld,
                 const float* sign, float* out, StreamHandle stream) {
  if (rows % 2 == 0 && ld % 2 == 0 && is_aligned(y, sizeof(unsigned))) {
    launch_fold<Format, 2>(y, tokens, rows, ld, sign, out, stream);
  } else {
    launch_fold<Format, 1>(y, tokens, rows, ld, sign, out, stream);
  }
}

}  // namespace

void gemv(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const void* x,
          float* y, StreamHandle stream) {
  if (rows == 0) return;
  const Request request{w, rows, cols, x, y, stream};
  switch (dtype) {
    case DType::bf16:
      return launch<Bf16, Bf16>(request);
    case DType::fp16:
      return launch<Fp16, Fp16>(request);
    case DType::fp8_e4m3:
      return launch<Fp8E4m3, Bf16>(request);
    default:
      throw std::invalid_argument("gemv: reads bf16, fp16 and fp8_e4m3, not " +
                                  std::string(name(dtype)));
  }
}

void fold(const void* y, DType dtype, std::size_t tokens, std::size_t rows, std::size_t ld,
          const float* sign, float* out, StreamHandle stream) {
  if (rows == 0) return;
  switch (dtype) {
    case DType::bf16:
      return launch_fold<Bf16>(y, tokens, rows, ld, sign, out, stream);
    case DType::fp16:
      return launch_fold<Fp16>(y, tokens, rows, ld, sign, out, stream);
    default:
      throw std::invalid_argument("fold: reads bf16 and fp16, not " + std::string(name(dtype)));
  }
}

}  // namespace offload::kernels
