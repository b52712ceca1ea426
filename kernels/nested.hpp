// SPDX-License-Identifier: Apache-2.0
// A weight quantised to 4 bits as a structure of pointers: one descriptor per row of weights, which
// says where the row's parts lie. Shared by the kernels of both sides and the reference.
//
// 128 weights make a block: 64 bytes of 4-bit values, the low half of a byte first, one fp16 scale
// and one zero point of 8 bits. A row holds all of its values, then all scales, then all zeros.
// Lengths are whole units of 16 blocks, so that rows begin on 16-byte boundaries.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "offload/host_workers.hpp"
#include "offload/stream.hpp"

namespace offload::nested {

inline constexpr std::size_t block_weights = 128;
inline constexpr std::size_t value_bytes = block_weights / 2;  // of a block
inline constexpr std::size_t block_bytes = value_bytes + sizeof(std::uint16_t) + 1;
inline constexpr std::size_t unit_blocks = 16;
inline constexpr std::size_t unit_bytes = unit_blocks * block_bytes;

/// Where the parts of one row are, for whoever follows the pointers.
struct Row {
  const std::byte* values = nullptr;
  const std::byte* scales = nullptr;
  const std::byte* zeros = nullptr;
};

/// The row of `blocks` blocks that lies at `data`.
inline Row row_at(const std::byte* data, std::size_t blocks) {
  const std::byte* const scales = data + blocks * value_bytes;
  return {data, scales, scales + blocks * sizeof(std::uint16_t)};
}

}  // namespace offload::nested

namespace offload::kernels {

/// y[r] = sum over the `blocks` blocks of row r of scale * sum_i (value_i - zero) x_i, where x is 1
/// to 8 over and over (1, 5, 2, 6, 3, 7, 4, 8) and a scale stands for the integer that its 16 bits
/// are: exact, and read like any dequantising product. `table` may lie anywhere, `values` in it are
/// 16-byte aligned; y is device memory.
void nested(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y,
            StreamHandle stream);

}  // namespace offload::kernels

namespace offload::host {

/// As the GPU's; `table` must stay valid until join().
void nested(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y,
            HostWorkers& workers);

}  // namespace offload::host

namespace offload::reference {

/// As the GPU's of rows of row_bytes bytes, found by their place and not through pointers.
std::vector<std::int64_t> nested(std::span<const std::byte> data, std::size_t row_bytes,
                                 HostWorkers& workers);

}  // namespace offload::reference
