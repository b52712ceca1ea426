// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/packed.hpp"

#include <atomic>
#include <cstring>

#include "offload/rounding.hpp"

namespace offload {
namespace {

constexpr std::size_t copy_grain = std::size_t{1} << 20;  // below this waking a thread costs more

}  // namespace

Packed::Packed(std::span<const WeightTensor> tensors) {
  places_.reserve(tensors.size());
  for (const auto& tensor : tensors) {
    const std::size_t offset = round_up(bytes_, device_alignment);
    places_.push_back({offset, tensor.row_bytes()});
    bytes_ = offset + tensor.bytes();
  }
}

void copy_by_workers(std::byte* to, std::span<const std::byte> from, HostWorkers& workers) {
  workers.run(from.size(), copy_grain, [to, from](std::size_t begin, std::size_t end) {
    std::memcpy(to + begin, from.data() + begin, end - begin);
  });
}

bool same_by_workers(const std::byte* a, std::span<const std::byte> b, HostWorkers& workers) {
  std::atomic<bool> same{true};
  workers.run(b.size(), copy_grain, [&same, a, b](std::size_t begin, std::size_t end) {
    if (std::memcmp(a + begin, b.data() + begin, end - begin) != 0) same = false;
  });
  return same;
}

}  // namespace offload
