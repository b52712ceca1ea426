// SPDX-License-Identifier: Apache-2.0
#include "kernels/stream_read.hpp"

#include <atomic>
#include <cstring>

namespace offload::reference {

std::uint64_t stream_read(std::span<const std::byte> data, HostWorkers& workers) {
  std::atomic<std::uint64_t> total{0};
  workers.run(data.size(), sizeof(std::uint32_t), [&](std::size_t begin, std::size_t end) {
    std::uint64_t sum = 0;
    std::uint32_t word = 0;
    std::size_t i = begin;
    for (; i + sizeof(word) <= end; i += sizeof(word)) {
      std::memcpy(&word, data.data() + i, sizeof(word));
      sum += word;
    }
    word = 0;  // a tail shorter than a word counts as one padded with zeros
    std::memcpy(&word, data.data() + i, end - i);
    sum += word;
    total.fetch_add(sum, std::memory_order_relaxed);
  });
  return total.load();
}

}  // namespace offload::reference
