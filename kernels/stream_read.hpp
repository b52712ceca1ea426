// SPDX-License-Identifier: Apache-2.0
// Every byte read once: the link, or the memory, and nothing else.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "offload/host_workers.hpp"
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

}  // namespace offload::kernels

namespace offload::host {

/// Of the 32-bit words, by the calling thread.
std::uint64_t sum_words(const std::byte* data, std::size_t bytes);
/// Adds to *sum as the GPU's does; `sum` must stay valid until join().
void stream_read(const std::byte* data, std::size_t bytes, std::uint64_t* sum,
                 HostWorkers& workers);

}  // namespace offload::host

namespace offload::reference {

std::uint64_t stream_read(std::span<const std::byte> data, HostWorkers& workers);

}  // namespace offload::reference
