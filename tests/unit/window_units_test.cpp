// SPDX-License-Identifier: Apache-2.0
// A pass through a window, planned: whatever the pieces, every byte that is read is brought once,
// before it is read, and every block that was brought is dropped once, after it was read.
#include "bench/policies/parts/window_units.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace offload {
namespace {

constexpr std::uintptr_t base = 100 * managed_block;
constexpr std::size_t kib = 1024;

Extent at(std::size_t offset, std::size_t bytes) { return {base + offset, base + offset + bytes}; }

bool within(const Extent& inner, const Extent& outer) {
  return outer.begin <= inner.begin && inner.end <= outer.end;
}
bool overlap(const Extent& one, const Extent& other) {
  return one.begin < other.end && other.begin < one.end;
}

void expect_sound(const std::vector<Extent>& pieces, Extent memory, std::size_t unit_bytes) {
  const WindowPlan plan = plan_window(pieces, memory, unit_bytes);
  ASSERT_EQ(plan.unit_of_piece.size(), pieces.size());
  std::vector<std::size_t> filled(plan.units.size(), 0);
  std::vector<std::size_t> members(plan.units.size(), 0);
  std::size_t before = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t unit = plan.unit_of_piece[i];
    ASSERT_LT(unit, plan.units.size());
    EXPECT_TRUE(unit == before || unit == before + 1) << "units follow one another";
    before = unit;
    filled[unit] += pieces[i].bytes();
    ++members[unit];
    // Brought by this unit or an earlier one, dropped by this one or a later one, block by block.
    for (std::uintptr_t byte = pieces[i].begin; byte < pieces[i].end;
         byte = (byte / managed_block + 1) * managed_block) {
      const Extent part{byte, std::min(pieces[i].end, (byte / managed_block + 1) * managed_block)};
      std::vector<std::size_t> bringing;
      std::vector<std::size_t> dropping;
      for (std::size_t u = 0; u < plan.units.size(); ++u) {
        const WindowUnit& other = plan.units[u];
        const auto covers = [&part](const Extent& extent) { return within(part, extent); };
        if (std::any_of(other.brought.begin(), other.brought.end(), covers)) bringing.push_back(u);
        if (std::any_of(other.dropped.begin(), other.dropped.end(), covers)) dropping.push_back(u);
      }
      ASSERT_EQ(bringing.size(), 1U);
      ASSERT_EQ(dropping.size(), 1U);
      EXPECT_LE(bringing.front(), unit);
      EXPECT_GE(dropping.front(), unit);
      EXPECT_GE(plan.units[bringing.front()].dropped_by, dropping.front());
    }
  }
  std::size_t brought = 0;
  std::vector<Extent> dropped;
  for (std::size_t u = 0; u < plan.units.size(); ++u) {
    EXPECT_GT(members[u], 0U);
    if (members[u] > 1) {
      EXPECT_LE(filled[u], unit_bytes);
    }
    EXPECT_GE(plan.units[u].dropped_by, u);
    for (const Extent& extent : plan.units[u].brought) {
      brought += extent.bytes();
      EXPECT_TRUE(within(extent, memory));
    }
    for (const Extent& extent : plan.units[u].dropped) {
      EXPECT_TRUE(within(extent, memory));
      // Advice splits no block but at the ends of the memory.
      EXPECT_TRUE(extent.begin % managed_block == 0 || extent.begin == memory.begin);
      EXPECT_TRUE(extent.end % managed_block == 0 || extent.end == memory.end);
      for (const Extent& other : dropped) EXPECT_FALSE(overlap(extent, other));
      dropped.push_back(extent);
    }
  }
  EXPECT_EQ(plan.brought_bytes, brought);
}

TEST(WindowUnits, AWalkBringsWhatItReadsAndNoMore) {
  std::vector<Extent> pieces;
  for (std::size_t i = 0; i < 40; ++i) pieces.push_back(at(i * 700 * kib, 700 * kib));
  const Extent memory = at(0, 40 * 700 * kib);
  for (const std::size_t unit : {100 * kib, 700 * kib, 3000 * kib, 100000 * kib}) {
    expect_sound(pieces, memory, unit);
    EXPECT_EQ(plan_window(pieces, memory, unit).brought_bytes, memory.bytes());
  }
  EXPECT_EQ(plan_window(pieces, memory, memory.bytes()).units.size(), 1U);
}

TEST(WindowUnits, ScatteredPiecesLeaveOutWhatLiesBetweenTheirBlocks) {
  const std::vector<Extent> pieces{at(9 * managed_block, 100 * kib), at(2 * managed_block, kib),
                                   at(5 * managed_block + 10, 3 * managed_block)};
  const Extent memory = at(0, 12 * managed_block);
  expect_sound(pieces, memory, 4 * managed_block);
  EXPECT_EQ(plan_window(pieces, memory, 4 * managed_block).brought_bytes,
            101 * kib + 3 * managed_block);
}

TEST(WindowUnits, ABlockReadAgainStaysUntilThen) {
  const std::vector<Extent> pieces{at(0, kib), at(managed_block, managed_block), at(kib, kib)};
  const WindowPlan plan = plan_window(pieces, at(0, 3 * managed_block), kib);
  expect_sound(pieces, at(0, 3 * managed_block), kib);
  ASSERT_EQ(plan.units.size(), 3U);
  EXPECT_TRUE(plan.units[0].dropped.empty());
  EXPECT_EQ(plan.units[0].dropped_by, 2U);
  EXPECT_TRUE(plan.units[2].brought.empty());
}

TEST(WindowUnits, AnyPiecesAreBroughtOnceAndDroppedOnce) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const std::size_t offset = random() % (3 * managed_block);  // memory need not be aligned
    const std::size_t bytes = 1 + random() % (30 * managed_block);
    const Extent memory = at(offset, bytes);
    std::vector<Extent> pieces;
    for (std::size_t i = 0; i < 1 + random() % 30; ++i) {
      const std::size_t begin = random() % bytes;
      const std::size_t most = std::min(bytes - begin, 3 * managed_block);
      pieces.push_back(at(offset + begin, 1 + random() % most));
    }
    SCOPED_TRACE(round);
    expect_sound(pieces, memory, 1 + random() % (4 * managed_block));
  }
}

TEST(WindowUnits, OfNoPiecesThereAreNone) {
  const WindowPlan plan = plan_window({}, at(0, managed_block), managed_block);
  EXPECT_TRUE(plan.units.empty());
  EXPECT_EQ(plan.brought_bytes, 0U);
}

TEST(WindowUnits, TheWindowIsNoLargerThanTheMemory) {
  EXPECT_GE(window_bytes(2, 16 * managed_block, 1000 * managed_block), 32 * managed_block);
  EXPECT_LT(window_bytes(2, 16 * managed_block, 1000 * managed_block), 40 * managed_block);
  EXPECT_EQ(window_bytes(2, 16 * managed_block, 3 * managed_block + 1), 4 * managed_block);
}

}  // namespace
}  // namespace offload
