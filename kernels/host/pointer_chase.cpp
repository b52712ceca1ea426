// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/pointer_chase.hpp"

namespace offload::host {

void pointer_chase(const std::byte* data, std::uint64_t start, std::size_t steps,
                   std::uint64_t* out, HostWorkers& workers) {
  workers.enqueue(1, 1, [=](std::size_t, std::size_t) {
    std::uint64_t at = start;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < steps; ++i) {
      std::memcpy(&at, data + at, sizeof(at));  // each load needs the one before it
      sum += at;
    }
    out[0] = at;
    out[1] = sum;
  });
}

}  // namespace offload::host
