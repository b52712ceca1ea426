// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_gather.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

namespace offload::reference {

std::uint64_t row_gather(std::span<const std::byte> data, std::span<const std::uint64_t> offsets,
                         std::size_t chunk_bytes) {
  std::uint64_t sum = 0;
  for (const std::uint64_t offset : offsets) {
    if (offset > data.size() || data.size() - offset < chunk_bytes) {
      throw std::out_of_range("row gather: a chunk at " + std::to_string(offset) +
                              " leads out of the data's " + std::to_string(data.size()) + " bytes");
    }
    for (std::size_t i = 0; i < chunk_bytes; i += sizeof(std::uint32_t)) {
      std::uint32_t word = 0;
      std::memcpy(&word, data.data() + offset + i, sizeof(word));
      sum += word;
    }
  }
  return sum;
}

}  // namespace offload::reference
