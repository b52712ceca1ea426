// SPDX-License-Identifier: Apache-2.0
#include "kernels/nested.hpp"

#include <array>

namespace offload::reference {

std::vector<std::int64_t> nested(std::span<const std::byte> data, std::size_t row_bytes,
                                 HostWorkers& workers) {
  constexpr std::array<int, 8> x{1, 5, 2, 6, 3, 7, 4, 8};
  const std::size_t weights = row_bytes / nested::block_bytes * nested::block_weights;
  const std::size_t scales = weights / 2;
  const std::size_t zeros = scales + weights / nested::block_weights * 2;
  std::vector<std::int64_t> y(data.size() / row_bytes);
  workers.run(y.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
      const std::byte* const row = data.data() + r * row_bytes;
      for (std::size_t i = 0; i < weights; ++i) {
        const std::size_t block = i / nested::block_weights;
        const int both = std::to_integer<int>(row[i / 2]);
        const int value = i % 2 == 0 ? both % 16 : both / 16;
        const int zero = std::to_integer<int>(row[zeros + block]);
        const int scale = std::to_integer<int>(row[scales + 2 * block]) +
                          256 * std::to_integer<int>(row[scales + 2 * block + 1]);
        y[r] += std::int64_t{scale} * (value - zero) * x[i % x.size()];
      }
    }
  });
  return y;
}

}  // namespace offload::reference
