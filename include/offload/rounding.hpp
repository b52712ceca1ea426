// SPDX-License-Identifier: Apache-2.0
// Whole pages, sectors, alignments.
#pragma once
#include <cstddef>

namespace offload {

/// The next multiple of `unit` (at least 1) from `value` on: round_up(300, 256) = 512.
template <typename Unsigned>
constexpr Unsigned round_up(Unsigned value, Unsigned unit) {
  return (value + unit - 1) / unit * unit;
}

/// What every allocation of device memory is aligned to at least.
inline constexpr std::size_t device_alignment = 256;

}  // namespace offload
