// SPDX-License-Identifier: Apache-2.0
// What the weights hold while they are measured: random numbers, or a chain of offsets.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "offload/dtype.hpp"
#include "offload/host_workers.hpp"

namespace offload::reference {

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

}  // namespace offload::reference
