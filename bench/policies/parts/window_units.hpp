// SPDX-License-Identifier: Apache-2.0
// What a window of managed memory takes in and lets go at a time: neighbouring pieces of a pass,
// and the pages that come and go with them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace offload {

/// Addresses from `begin` up to `end`.
struct Extent {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  std::size_t bytes() const { return end - begin; }
};

/// The driver keeps managed memory in blocks of this size, aligned to it: it moves a whole one at
/// once, and advice for a part of one would split it for good.
inline constexpr std::size_t managed_block = std::size_t{2} << 20;

struct WindowUnit {
  std::vector<Extent> brought;  // what the pass reads of blocks that this unit is the first to read
  std::vector<Extent> dropped;  // whole blocks that this unit is the last to read
  /// The last unit that drops a block which this one brings: the next pass cannot bring it sooner.
  std::size_t dropped_by = 0;
};

struct WindowPlan {
  std::vector<WindowUnit> units;
  std::vector<std::size_t> unit_of_piece;
  std::size_t brought_bytes = 0;
};

/// Pieces in the order of reading, in `memory`; as many neighbours make a unit as fit into
/// `unit_bytes`.
WindowPlan plan_window(std::span<const Extent> pieces, Extent memory, std::size_t unit_bytes);

/// The most GPU memory that `units` units hold of `memory_bytes`.
std::size_t window_bytes(std::size_t units, std::size_t unit_bytes, std::size_t memory_bytes);

}  // namespace offload
