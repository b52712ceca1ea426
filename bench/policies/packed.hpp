// SPDX-License-Identifier: Apache-2.0
// Tensors one behind the other in one allocation, as an engine loads a model: one pinning, one
// buffer to reuse.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "offload/host_workers.hpp"
#include "offload/weights.hpp"

namespace offload {

class Packed {
 public:
  explicit Packed(std::span<const WeightTensor> tensors);

  /// Of the whole allocation.
  std::size_t bytes() const { return bytes_; }
  /// Where a tensor begins: a multiple of 256 bytes, as cudaMalloc itself would align it.
  std::size_t offset(std::size_t tensor) const { return places_[tensor].offset; }
  std::size_t offset(const Piece& piece) const {
    return places_[piece.tensor].offset + piece.first_row * places_[piece.tensor].row_bytes;
  }

 private:
  struct Place {
    std::size_t offset = 0;
    std::size_t row_bytes = 0;
  };
  std::vector<Place> places_;
  std::size_t bytes_ = 0;
};

/// memcpy by all workers: one core alone moves a fraction of what host memory can.
void copy_by_workers(std::byte* to, std::span<const std::byte> from, HostWorkers& workers);

}  // namespace offload
