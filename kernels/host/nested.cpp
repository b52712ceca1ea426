// SPDX-License-Identifier: Apache-2.0
// Eight bytes at a time in a plain register: enough to keep up with the memory.
#include "kernels/nested.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace offload::host {
namespace {

constexpr int factors_of_block = 16 * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8);

/// sum of the eight bytes, each times its place modulo 4.
int by_place(std::uint64_t bytes) {
  constexpr std::uint64_t every_other = 0x00ff00ff00ff00ffU;
  const std::uint64_t even = bytes & every_other;
  const std::uint64_t odd = (bytes >> 8) & every_other;
  const auto evens = static_cast<std::uint32_t>(even + (even >> 32));  // places 0 and 2
  const auto odds = static_cast<std::uint32_t>(odd + (odd >> 32));     // places 1 and 3
  return static_cast<int>((odds & 0xffff) + 2 * (evens >> 16) + 3 * (odds >> 16));
}

int sum_of_bytes(std::uint64_t bytes) {
  constexpr std::uint64_t every_other = 0x00ff00ff00ff00ffU;
  const std::uint64_t pairs = (bytes & every_other) + ((bytes >> 8) & every_other);
  return static_cast<int>((pairs * 0x0001000100010001U) >> 48);
}

/// Of one block: the factor of a low half is 1 plus its byte's place, of a high half 5 plus that.
int product(const std::byte* values) {
  constexpr std::uint64_t halves = 0x0f0f0f0f0f0f0f0fU;
  std::uint64_t low = 0;  // eight bytes of at most 8 * 15 each
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < nested::value_bytes; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, values + i, sizeof(word));
    low += word & halves;
    high += (word >> 4) & halves;
  }
  return sum_of_bytes(low) + by_place(low) + 5 * sum_of_bytes(high) + by_place(high);
}

std::int64_t product(const nested::Row& row, std::size_t blocks) {
  std::int64_t total = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint16_t scale = 0;
    std::memcpy(&scale, row.scales + b * sizeof(scale), sizeof(scale));
    const int zero = std::to_integer<int>(row.zeros[b]);
    const int difference = product(row.values + b * nested::value_bytes) - zero * factors_of_block;
    total += std::int64_t{scale} * difference;
  }
  return total;
}

}  // namespace

void nested(const nested::Row* table, std::size_t rows, std::size_t blocks, std::int64_t* y,
            HostWorkers& workers) {
  workers.enqueue(rows, 1, [=](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) y[r] = product(table[r], blocks);
  });
}

}  // namespace offload::host
