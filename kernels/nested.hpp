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
