// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/panels.hpp"

#include <algorithm>
#include <bit>

#include "offload/rounding.hpp"

namespace offload {
namespace {

constexpr double copy_seconds = 3e-4;
constexpr std::size_t smallest = std::size_t{2} << 20;
constexpr std::size_t largest = std::size_t{16} << 20;  // three slots within 64 MiB
constexpr std::size_t typical = std::size_t{16} << 20;  // where the rate is unknown
constexpr std::size_t tile_rows = 128;
constexpr std::size_t min_rows = 4;  // what a piece's first row must be a multiple of

}  // namespace

std::size_t panel_bytes(const Tuning& tuning, const Rates& rates) {
  if (tuning.panel_bytes) return *tuning.panel_bytes;
  if (!rates.copy_h2d) return typical;
  const auto wanted = static_cast<std::size_t>(*rates.copy_h2d * copy_seconds);
  const std::size_t above = std::bit_ceil(wanted);
  const std::size_t nearest = above - wanted <= wanted - above / 2 ? above : above / 2;
  return std::clamp(nearest, smallest, largest);
}

std::size_t max_panel_bytes(const Tuning& tuning) { return tuning.panel_bytes.value_or(largest); }

std::size_t slot_bytes(std::span<const WeightTensor> tensors, std::size_t panel) {
  std::size_t bytes = panel;
  for (const WeightTensor& tensor : tensors) {
    bytes = std::max(bytes, std::min(tensor.rows, min_rows) * tensor.row_bytes());
  }
  return round_up(bytes, device_alignment);
}

void append_panels(const Piece& piece, const WeightTensor& tensor, std::size_t most,
                   std::vector<Piece>& panels) {
  const std::size_t fitting = std::max(most / tensor.row_bytes(), min_rows);
  const std::size_t unit = fitting >= tile_rows ? tile_rows : min_rows;
  const std::size_t highest = fitting / unit * unit;
  const std::size_t count = (piece.rows + highest - 1) / highest;
  const std::size_t even = (piece.rows + count - 1) / count;
  const std::size_t step = std::min(highest, round_up(even, unit));
  for (std::size_t row = 0; row < piece.rows; row += step) {
    panels.push_back({piece.tensor, piece.first_row + row, std::min(step, piece.rows - row)});
  }
}

}  // namespace offload
