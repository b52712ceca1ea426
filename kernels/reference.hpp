// SPDX-License-Identifier: Apache-2.0
// What the kernels must compute, in plain scalar code with no vector library: the judge of both the
// GPU and the Highway kernels. Also makes the contents that are judged.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "offload/dtype.hpp"
#include "offload/host_workers.hpp"

namespace offload::reference {

/// Bytes of dtype u8 are no numbers: std::invalid_argument.
float to_float(DType dtype, const std::byte* element);
/// Round to nearest even into bf16 or fp16 (to infinity when too large), fp8_e4m3 (which has none,
/// and saturates at 448) or fp32; stores bytes_of(dtype) bytes.
void from_float(DType dtype, float value, std::byte* element);

/// Finite values of `dtype` in about [-1, 1] (any bytes for u8), from a counter-based generator:
/// neither zero nor repeating, the same for the same seed whatever the number of workers.
void fill_random(std::span<std::byte> out, DType dtype, std::uint64_t seed, HostWorkers& workers);

inline constexpr std::size_t chain_node_bytes = 128;
struct Chain {
  std::uint64_t start = 0;  // byte offset of the first node
  std::size_t nodes = 0;
};
/// Write one random cycle through all whole 128-byte nodes of `out`; other bytes are untouched.
Chain make_chain(std::span<std::byte> out, std::uint64_t seed);

std::uint64_t stream_read(std::span<const std::byte> data, HostWorkers& workers);
struct GemvResult {
  std::vector<double> y;
  std::vector<double> magnitude;  // sum_c |w * x|: what an error is measured against
};
GemvResult gemv(std::span<const std::byte> w, DType dtype, std::size_t rows, std::size_t cols,
                std::span<const float> x, HostWorkers& workers);
/// As kernels::fold, of fp32 too: y[r] is the sum, magnitude[r] that of |y[t, r]|. `y` may end with
/// the last value that counts.
GemvResult fold(std::span<const std::byte> y, DType dtype, std::size_t rows, std::size_t ld,
                std::span<const float> sign, HostWorkers& workers);
struct ChaseResult {
  std::uint64_t last = 0;
  std::uint64_t sum = 0;
};
ChaseResult pointer_chase(std::span<const std::byte> data, std::uint64_t start, std::size_t steps);
std::uint64_t row_gather(std::span<const std::byte> data, std::span<const std::uint64_t> offsets,
                         std::size_t chunk_bytes);
/// As kernels::nested of rows of row_bytes bytes, each laid out as kernels/nested.hpp says, but
/// found by their place and not through pointers.
std::vector<std::int64_t> nested(std::span<const std::byte> data, std::size_t row_bytes,
                                 HostWorkers& workers);

}  // namespace offload::reference
