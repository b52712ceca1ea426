// SPDX-License-Identifier: Apache-2.0
// A chain of dependent reads: latency.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "offload/host_workers.hpp"
#include "offload/stream.hpp"

namespace offload::kernels {

/// Follow `steps` links from byte offset `start`: each node's first 8 bytes hold the next node's
/// byte offset. out[0] = final offset, out[1] = sum of the offsets visited. One thread.
void pointer_chase(const std::byte* data, std::uint64_t start, std::size_t steps,
                   std::uint64_t* out, StreamHandle stream);

}  // namespace offload::kernels

namespace offload::host {

/// As the GPU's, on one worker.
void pointer_chase(const std::byte* data, std::uint64_t start, std::size_t steps,
                   std::uint64_t* out, HostWorkers& workers);

}  // namespace offload::host

namespace offload::reference {

struct ChaseResult {
  std::uint64_t last = 0;
  std::uint64_t sum = 0;
};
ChaseResult pointer_chase(std::span<const std::byte> data, std::uint64_t start, std::size_t steps);

}  // namespace offload::reference
