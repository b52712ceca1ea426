// SPDX-License-Identifier: Apache-2.0
// The smallest unit in which GPU memory is read.
#pragma once
#include <cstddef>

namespace offload {

inline constexpr std::size_t sector = 32;

/// `bytes` from the start of a sector, in whole sectors.
constexpr std::size_t sector_bytes(std::size_t bytes) {
  return (bytes + sector - 1) / sector * sector;
}

}  // namespace offload
