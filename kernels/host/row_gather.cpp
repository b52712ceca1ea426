// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernels/row_gather.hpp"
#include "kernels/stream_read.hpp"

namespace offload::host {

void row_gather(const std::byte* data, const std::uint64_t* offsets, std::size_t chunks,
                std::size_t chunk_bytes, std::uint64_t* sum, HostWorkers& workers) {
  // Shares are counted in bytes of the chunks laid end to end: large chunks are split, small ones
  // taken together.
  constexpr std::size_t grain = 4096;
  workers.enqueue(chunks * chunk_bytes, grain, [=](std::size_t begin, std::size_t end) {
    std::uint64_t part = 0;
    while (begin < end) {
      const std::size_t inside = begin % chunk_bytes;
      const std::size_t bytes = std::min(chunk_bytes - inside, end - begin);
      part += sum_words(data + offsets[begin / chunk_bytes] + inside, bytes);
      begin += bytes;
    }
    std::atomic_ref(*sum).fetch_add(part, std::memory_order_relaxed);
  });
}

}  // namespace offload::host
