// SPDX-License-Identifier: Apache-2.0
// Row panels: what a ring of small slots carries at a time.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "offload/policy.hpp"

namespace offload {

/// Bytes of a panel: as given, or the power of two nearest to what the copy engine moves in 0.3 ms,
/// 16 MiB at most: starting a copy (6 us) then costs 2 %, three slots stay small, and rows come in
/// powers of two, which matrix products fill the GPU best with.
std::size_t panel_bytes(const Tuning& tuning, const Rates& rates);

/// The most that can be, before anything is calibrated.
std::size_t max_panel_bytes(const Tuning& tuning);

/// A slot for panels of any of these tensors: the panel, or a few rows where those are larger.
std::size_t slot_bytes(std::span<const WeightTensor> tensors, std::size_t panel);

/// `piece` in panels of about the same size, none above `most` bytes, cut where row counts suit the
/// tiles of a matrix product as far as the size allows.
void append_panels(const Piece& piece, const WeightTensor& tensor, std::size_t most,
                   std::vector<Piece>& panels);

}  // namespace offload
