// SPDX-License-Identifier: Apache-2.0
// The GPU kernels, one launcher each. Pointers are readable by the current device unless said
// otherwise. Launchers enqueue and return; they throw CudaError when a launch is refused.
// kernels/kernels_absent.cpp stands in where there is no CUDA Toolkit.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/nested.hpp"
#include "offload/dtype.hpp"
#include "offload/stream.hpp"

namespace offload::kernels {

/// Shape of a streaming read: 16-byte loads unless said otherwise; 0 = the tuned default.
struct StreamReadShape {
  int blocks = 0;
  int threads = 0;
  int load_bytes = 16;  // 4, 8 or 16
};

/// *sum += the sum of all bytes' 32-bit little-endian words, as uint64 (a tail shorter than 4
/// bytes counts as one zero-padded word). `sum` is device memory. Any size, 4-byte aligned data.
void stream_read(const std::byte* data, std::size_t bytes, std::uint64_t* sum, StreamHandle stream,
                 StreamReadShape shape = {});

/// Pushes all else out of L2 by reading `bytes` of `filler`, several times L2's size; *sum grows by
/// the sum of its words. Whole multiples of 16 bytes, aligned to as much.
void flush_l2(const std::byte* filler, std::size_t bytes, std::uint64_t* sum, StreamHandle stream);

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

/// Follow `steps` links from byte offset `start`: each node's first 8 bytes hold the next node's
/// byte offset. out[0] = final offset, out[1] = sum of the offsets visited. One thread.
void pointer_chase(const std::byte* data, std::uint64_t start, std::size_t steps,
                   std::uint64_t* out, StreamHandle stream);

/// *sum += the sum of the 32-bit words of `chunks` chunks of `chunk_bytes` bytes, a power of two
/// from 512, which begin at `offsets` from `data`: multiples of 16. `data` is 16-byte aligned;
/// `offsets` and `sum` are device memory.
void row_gather(const std::byte* data, const std::uint64_t* offsets, std::size_t chunks,
                std::size_t chunk_bytes, std::uint64_t* sum, StreamHandle stream);

/// y[r] = sum over the `blocks` blocks of row r of scale * sum_i (value_i - zero) x_i, where x is 1
/// to 8 over and over (1, 5, 2, 6, 3, 7, 4, 8) and a scale stands for the integer that its 16 bits
/// are: exact, and read like any dequantising product. `table` may lie anywhere, `values` in it are
/// 16-byte aligned; y is device memory.
void nested(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y,
            StreamHandle stream);

}  // namespace offload::kernels
