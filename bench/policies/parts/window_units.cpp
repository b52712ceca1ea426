// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/window_units.hpp"

#include <algorithm>
#include <map>

#include "offload/rounding.hpp"

namespace offload {
namespace {

/// One block of the driver's, as a pass reads it.
struct Block {
  std::size_t first_unit = 0;
  std::size_t last_unit = 0;
  Extent read;
};

void append(std::vector<Extent>& extents, Extent next) {
  if (!extents.empty() && extents.back().end == next.begin) {
    extents.back().end = next.end;
  } else {
    extents.push_back(next);
  }
}

/// By the number of the piece; units are filled one after the other.
std::vector<std::size_t> group(std::span<const Extent> pieces, std::size_t unit_bytes) {
  std::vector<std::size_t> unit_of_piece;
  std::size_t filled = 0;
  for (const Extent& piece : pieces) {
    const bool fits = filled + piece.bytes() <= unit_bytes;
    filled = fits ? filled + piece.bytes() : piece.bytes();
    const std::size_t last = unit_of_piece.empty() ? 0 : unit_of_piece.back();
    unit_of_piece.push_back(fits || unit_of_piece.empty() ? last : last + 1);
  }
  return unit_of_piece;
}

}  // namespace

WindowPlan plan_window(std::span<const Extent> pieces, Extent memory, std::size_t unit_bytes) {
  WindowPlan plan;
  plan.unit_of_piece = group(pieces, unit_bytes);
  if (pieces.empty()) return plan;
  plan.units.resize(plan.unit_of_piece.back() + 1);

  std::map<std::uintptr_t, Block> blocks;  // by number
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t unit = plan.unit_of_piece[i];
    for (std::uintptr_t number = pieces[i].begin / managed_block;
         number * managed_block < pieces[i].end; ++number) {
      const Extent read{std::max(pieces[i].begin, number * managed_block),
                        std::min(pieces[i].end, (number + 1) * managed_block)};
      Block& block = blocks.try_emplace(number, Block{unit, unit, read}).first->second;
      block.last_unit = unit;
      block.read = {std::min(block.read.begin, read.begin), std::max(block.read.end, read.end)};
    }
  }
  for (const auto& [number, block] : blocks) {
    WindowUnit& first = plan.units[block.first_unit];
    append(first.brought, block.read);
    first.dropped_by = std::max(first.dropped_by, block.last_unit);
    plan.brought_bytes += block.read.bytes();
    append(plan.units[block.last_unit].dropped,
           {std::max(memory.begin, number * managed_block),
            std::min(memory.end, (number + 1) * managed_block)});
  }
  for (std::size_t i = 0; i < plan.units.size(); ++i) {
    plan.units[i].dropped_by = std::max(plan.units[i].dropped_by, i);
  }
  return plan;
}

std::size_t window_bytes(std::size_t units, std::size_t unit_bytes, std::size_t memory_bytes) {
  const std::size_t whole = round_up(memory_bytes, managed_block);
  // The first and the last block reach beyond the units.
  return std::min(units * unit_bytes + 2 * managed_block, whole);
}

}  // namespace offload
