// SPDX-License-Identifier: Apache-2.0
// Bytes copied by kernels: what SMs write to memory that copy engines write as well.
#pragma once
#include <cstddef>

#include "offload/stream.hpp"

namespace offload::kernels {

/// Copies `bytes` from `from` to `to`, which do not overlap: whole multiples of 16 bytes, aligned
/// to as much; both readable, and `to` writable, by the GPU. 0 blocks = enough to fill it once.
void stream_copy(const std::byte* from, std::byte* to, std::size_t bytes, StreamHandle stream,
                 int blocks = 0);

}  // namespace offload::kernels
