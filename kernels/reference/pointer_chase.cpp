// SPDX-License-Identifier: Apache-2.0
#include "kernels/pointer_chase.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

namespace offload::reference {

ChaseResult pointer_chase(std::span<const std::byte> data, std::uint64_t start, std::size_t steps) {
  ChaseResult result{start, 0};
  for (std::size_t i = 0; i < steps; ++i) {
    if (result.last > data.size() || data.size() - result.last < sizeof(std::uint64_t)) {
      throw std::out_of_range("pointer chase: offset " + std::to_string(result.last) +
                              " leads out of the data's " + std::to_string(data.size()) + " bytes");
    }
    std::memcpy(&result.last, data.data() + result.last, sizeof(result.last));
    result.sum += result.last;
  }
  return result;
}

}  // namespace offload::reference
