// SPDX-License-Identifier: Apache-2.0
// Chunks read by a list of their offsets: scattered access.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "offload/host_workers.hpp"
#include "offload/stream.hpp"

namespace offload::kernels {

/// *sum += the sum of the 32-bit words of `chunks` chunks of `chunk_bytes` bytes, a power of two
/// from 512, which begin at `offsets` from `data`: multiples of 16. `data` is 16-byte aligned;
/// `offsets` and `sum` are device memory.
void row_gather(const std::byte* data, const std::uint64_t* offsets, std::size_t chunks,
                std::size_t chunk_bytes, std::uint64_t* sum, StreamHandle stream);

}  // namespace offload::kernels

namespace offload::host {

/// As the GPU's; `offsets` and `sum` must stay valid until join().
void row_gather(const std::byte* data, const std::uint64_t* offsets, std::size_t chunks,
                std::size_t chunk_bytes, std::uint64_t* sum, HostWorkers& workers);

}  // namespace offload::host

namespace offload::reference {

std::uint64_t row_gather(std::span<const std::byte> data, std::span<const std::uint64_t> offsets,
                         std::size_t chunk_bytes);

}  // namespace offload::reference
