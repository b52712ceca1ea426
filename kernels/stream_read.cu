// SPDX-License-Identifier: Apache-2.0
// Reads every byte once: the link, or the memory, and nothing else. The sum of all 32-bit words
// shows that every byte arrived.
#include <stdexcept>

#include "kernels/launch.cuh"
#include "kernels/load.cuh"
#include "kernels/stream_read.hpp"
#include "kernels/sum.cuh"

namespace offload::kernels {
namespace {

/// The bytes split into whole aligned vectors and, at both ends, less than a vector each.
struct Extent {
  const std::byte* data;
  unsigned head_bytes;  // whole words
  std::size_t vectors;
  unsigned tail_bytes;
};

/// Word `index` of `bytes` bytes, filled up with zeros; 0 past the end.
__device__ unsigned word_at(const std::byte* data, unsigned bytes, unsigned index) {
  unsigned word = 0;
  for (unsigned i = 0; i < 4 && 4 * index + i < bytes; ++i) {
    word |= static_cast<unsigned>(data[4 * index + i]) << (8 * i);
  }
  return word;
}

/// kUnroll loads are in flight per thread. A block reads tiles of consecutive bytes; what is left
/// after whole rounds of the grid is shared out evenly, so that no block ends late.
template <typename Vector, int kUnroll>
__global__ void __launch_bounds__(max_threads)
    stream_read_kernel(Extent extent, unsigned long long* sum) {
  const auto* const vectors = reinterpret_cast<const Vector*>(extent.data + extent.head_bytes);
  const std::size_t tile = std::size_t{blockDim.x} * kUnroll;
  const std::size_t round = tile * gridDim.x;
  const std::size_t whole_rounds = extent.vectors / round * round;

  std::uint64_t total = 0;
  for (std::size_t at = blockIdx.x * tile; at < whole_rounds; at += round) {
    Vector loaded[kUnroll];
#pragma unroll
    for (int i = 0; i < kUnroll; ++i) {
      loaded[i] = load_once(vectors + at + threadIdx.x + i * blockDim.x);
    }
#pragma unroll
    for (int i = 0; i < kUnroll; ++i) total += words_of(loaded[i]);
  }

  const std::size_t stride = std::size_t{blockDim.x} * gridDim.x;
  const std::size_t rest = whole_rounds + std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  Vector loaded[kUnroll] = {};
#pragma unroll
  for (int i = 0; i < kUnroll; ++i) {
    if (rest + i * stride < extent.vectors) loaded[i] = load_once(vectors + rest + i * stride);
  }
#pragma unroll
  for (int i = 0; i < kUnroll; ++i) total += words_of(loaded[i]);

  constexpr unsigned words_per_edge = 4;
  if (blockIdx.x == 0 && threadIdx.x < words_per_edge) {
    const auto* const tail = reinterpret_cast<const std::byte*>(vectors + extent.vectors);
    total += word_at(extent.data, extent.head_bytes, threadIdx.x);
    total += word_at(tail, extent.tail_bytes, threadIdx.x);
  }

  add_of_block(total, sum);
}

constexpr int default_threads = 512;

template <typename Vector, int kUnroll>
void launch(const std::byte* data, std::size_t bytes, std::uint64_t* sum, StreamHandle stream,
            StreamReadShape shape) {
  const std::size_t misaligned = reinterpret_cast<std::uintptr_t>(data) % sizeof(Vector);
  const std::size_t head =
      std::min(misaligned == 0 ? 0 : sizeof(Vector) - misaligned, bytes / 4 * 4);
  const std::size_t vectors = (bytes - head) / sizeof(Vector);
  const std::size_t tail = bytes - head - vectors * sizeof(Vector);
  const Extent extent{data, static_cast<unsigned>(head), vectors, static_cast<unsigned>(tail)};

  const auto kernel = stream_read_kernel<Vector, kUnroll>;
  const int threads = shape.threads == 0 ? default_threads : shape.threads;
  std::size_t blocks = static_cast<std::size_t>(shape.blocks);
  if (blocks == 0) {
    static const int one_wave = resident_blocks(kernel, default_threads);
    // Four waves read GPU memory 1.5 % faster than one: blocks that end early make room for others,
    // where in a single wave the slowest multiprocessor decides. Over the link it makes no odds.
    const auto waves = std::size_t{4} * one_wave * default_threads / threads;
    blocks = std::min(waves, (vectors + threads - 1) / threads);
  }
  kernel<<<grid_size(blocks), threads, 0, stream>>>(extent,
                                                    reinterpret_cast<unsigned long long*>(sum));
  require_success(cudaGetLastError(), "stream_read");
}

}  // namespace

void stream_read(const std::byte* data, std::size_t bytes, std::uint64_t* sum, StreamHandle stream,
                 StreamReadShape shape) {
  if (!is_aligned(data, 4)) throw std::invalid_argument("stream_read: data is not 4-byte aligned");
  if (shape.blocks < 0 || shape.threads < 0 || shape.threads > max_threads ||
      shape.threads % 32 != 0) {
    throw std::invalid_argument("stream_read: threads must be a multiple of 32 up to 1024");
  }
  switch (shape.load_bytes) {
    case 4:
      return launch<unsigned, 8>(data, bytes, sum, stream, shape);
    case 8:
      return launch<uint2, 8>(data, bytes, sum, stream, shape);
    case 16:
      return launch<uint4, 4>(data, bytes, sum, stream, shape);
    default:
      throw std::invalid_argument("stream_read: load_bytes must be 4, 8 or 16");
  }
}

}  // namespace offload::kernels
