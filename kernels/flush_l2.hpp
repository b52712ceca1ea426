// SPDX-License-Identifier: Apache-2.0
// Empties the GPU's L2.
#pragma once
#include <cstddef>
#include <cstdint>

#include "offload/stream.hpp"

namespace offload::kernels {

/// Pushes all else out of L2 by reading `bytes` of `filler`, several times L2's size; *sum grows by
/// the sum of its words. Whole multiples of 16 bytes, aligned to as much.
void flush_l2(const std::byte* filler, std::size_t bytes, std::uint64_t* sum, StreamHandle stream);

}  // namespace offload::kernels
