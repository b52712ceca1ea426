// SPDX-License-Identifier: Apache-2.0
// The same kernels on the CPU: vectorised by Highway for the best instruction set found at run
// time, on every worker. They enqueue on the workers and return; HostWorkers::join() completes
// them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/nested.hpp"
#include "offload/dtype.hpp"
#include "offload/host_workers.hpp"

namespace offload::host {

/// Of the 32-bit words, by the calling thread.
std::uint64_t sum_words(const std::byte* data, std::size_t bytes);
/// Adds to *sum as kernels::stream_read does; `sum` must stay valid until join().
void stream_read(const std::byte* data, std::size_t bytes, std::uint64_t* sum,
                 HostWorkers& workers);
/// As kernels::gemv; x is fp32 here (converted once, outside the timing), y fp32.
void gemv(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
          float* y, HostWorkers& workers);
/// y[tokens, ld_y] = x[tokens, cols] w[rows, cols]^T, all row-major, x and y fp32: of each row of y
/// the first `rows` values are written. Weights are read from memory once for 64 tokens.
void gemm(const std::byte* w, DType dtype, std::size_t rows, std::size_t cols, const float* x,
          std::size_t tokens, float* y, std::size_t ld_y, HostWorkers& workers);
/// As kernels::pointer_chase, on one worker.
void pointer_chase(const std::byte* data, std::uint64_t start, std::size_t steps,
                   std::uint64_t* out, HostWorkers& workers);

/// As kernels::row_gather; `offsets` and `sum` must stay valid until join().
void row_gather(const std::byte* data, const std::uint64_t* offsets, std::size_t chunks,
                std::size_t chunk_bytes, std::uint64_t* sum, HostWorkers& workers);
/// As kernels::nested; `table` must stay valid until join().
void nested(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y,
            HostWorkers& workers);

/// The instruction set the kernels chose, e.g. "AVX3_ZEN4", "AVX2", "NEON".
std::string instruction_set();

}  // namespace offload::host
