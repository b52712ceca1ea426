// SPDX-License-Identifier: Apache-2.0
// Row panels: every row once, none above its slot.
#include "bench/policies/parts/panels.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace offload {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

WeightTensor tensor(std::size_t rows, std::size_t cols, DType dtype = DType::bf16) {
  return {"t", dtype, rows, cols};
}

std::vector<Piece> panels_of(const Piece& piece, const WeightTensor& tensor, std::size_t most) {
  std::vector<Piece> panels;
  append_panels(piece, tensor, most, panels);
  return panels;
}

struct Shape {
  std::size_t rows, cols, most;
};

TEST(Panels, CoverEveryRowOnceAndFitTheirSlot) {
  const std::vector<Shape> shapes{{28672, 8192, 16 * mib},
                                  {28672, 8192, 2 * mib},
                                  {6144, 4096, 20 * mib},
                                  {1, 1, 1},
                                  {3, 5, 16},
                                  {37, 5, 64},
                                  {1003, 1001, 100'000},
                                  {1003, 1001, 1},
                                  {129, 4096, mib},
                                  {127, 4096, mib},
                                  {128, 4096, mib},
                                  {130, 64, 16 * mib},
                                  {32064, 16384, 5 * mib},
                                  {7, 1 << 20, mib},
                                  {1, 1 << 24, mib}};
  for (const auto& [rows, cols, most] : shapes) {
    for (const std::size_t first : {std::size_t{0}, std::size_t{64}}) {
      const WeightTensor whole = tensor(rows + first, cols);
      const std::size_t slot = slot_bytes(std::vector{whole}, most);
      std::size_t next = first;
      for (const Piece& panel : panels_of({3, first, rows}, whole, most)) {
        ASSERT_EQ(panel.tensor, 3U);
        ASSERT_EQ(panel.first_row, next);
        ASSERT_GT(panel.rows, 0U);
        const std::size_t bytes = panel.rows * whole.row_bytes();
        EXPECT_TRUE(bytes <= most || panel.rows <= 4) << panel.rows << " rows of " << cols;
        EXPECT_LE(bytes, slot);
        EXPECT_EQ((panel.first_row - first) % 4, 0U);
        next += panel.rows;
      }
      EXPECT_EQ(next, first + rows) << rows << "x" << cols << " in " << most;
    }
  }
}

TEST(Panels, AreTilesOfEqualHeight) {
  // 16 MiB hold 1024 rows of 16 KiB: 28 panels of 1024 make 28,672 rows.
  const WeightTensor even = tensor(28672, 8192);
  std::vector<Piece> panels = panels_of({0, 0, 28672}, even, 16 * mib);
  ASSERT_EQ(panels.size(), 28U);
  for (const Piece& panel : panels) EXPECT_EQ(panel.rows, 1024U);

  // 15 MiB hold 960, in tiles 896: 32 panels and none much smaller than the others.
  panels = panels_of({0, 0, 28672}, even, 15 * mib);
  ASSERT_EQ(panels.size(), 32U);
  for (const Piece& panel : panels) EXPECT_EQ(panel.rows, 896U);

  // 20 MiB hold 2560 rows of 8 KiB: three panels for 6144, not two and a rest of 1024.
  panels = panels_of({0, 0, 6144}, tensor(6144, 4096), 20 * mib);
  ASSERT_EQ(panels.size(), 3U);
  for (const Piece& panel : panels) EXPECT_EQ(panel.rows, 2048U);

  // Every panel but the last is a multiple of 128 rows where 128 fit.
  panels = panels_of({0, 0, 5000}, tensor(5000, 1000), mib);  // 524 fit: 512
  ASSERT_EQ(panels.size(), 10U);
  for (std::size_t i = 0; i + 1 < panels.size(); ++i) EXPECT_EQ(panels[i].rows, 512U);
  EXPECT_EQ(panels.back().rows, 5000U - 9 * 512);

  // 100 rows fit: no tile, so multiples of 4.
  panels = panels_of({0, 0, 1000}, tensor(1000, 512), std::size_t{100} * 1024);
  for (const Piece& panel : panels) EXPECT_EQ(panel.rows % 4, 0U);
  EXPECT_EQ(panels.size(), 10U);
}

TEST(Panels, AreAppendedBehindOthers) {
  std::vector<Piece> panels{{9, 0, 1}};
  append_panels({0, 0, 4}, tensor(4, 4), mib, panels);
  ASSERT_EQ(panels.size(), 2U);
  EXPECT_EQ(panels[0].tensor, 9U);
  EXPECT_EQ(panels[1].rows, 4U);
}

TEST(PanelBytes, AreWhatIsToldOrFollowTheCopyEngine) {
  Tuning told;
  told.panel_bytes = 12345;
  Rates rates;
  rates.copy_h2d = 50e9;
  EXPECT_EQ(panel_bytes(told, rates), 12345U);
  // 0.3 ms at 50 GB/s are 15 MB, at 38 GB/s 11.4 MB: nearer to 16 MiB and to 8 MiB.
  EXPECT_EQ(panel_bytes({}, rates), 16 * mib);
  rates.copy_h2d = 38e9;
  EXPECT_EQ(panel_bytes({}, rates), 8 * mib);
  // Between 2 and 16 MiB, so that three slots stay within 64 MiB.
  rates.copy_h2d = 1e9;
  EXPECT_EQ(panel_bytes({}, rates), 2 * mib);
  rates.copy_h2d = 450e9;
  EXPECT_EQ(panel_bytes({}, rates), 16 * mib);
  EXPECT_LE(Tuning{}.slots * panel_bytes({}, rates), 64 * mib);
  // Before the calibration.
  EXPECT_EQ(panel_bytes({}, {}), 16 * mib);
}

TEST(SlotBytes, HoldFourRowsOfTheLongest) {
  const std::vector<WeightTensor> tensors{tensor(100, 512), tensor(100, 1 << 20), tensor(3, 1000)};
  EXPECT_EQ(slot_bytes(tensors, 16 * mib), 16 * mib);
  EXPECT_EQ(slot_bytes(tensors, mib), 8 * mib);                          // 4 rows of 2 MiB
  EXPECT_EQ(slot_bytes(std::vector{tensor(3, 1 << 20)}, mib), 6 * mib);  // there are but 3
  EXPECT_EQ(slot_bytes({}, mib), mib);
}

}  // namespace
}  // namespace offload
