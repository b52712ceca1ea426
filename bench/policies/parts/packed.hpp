// SPDX-License-Identifier: Apache-2.0
// Tensors one behind the other in one allocation, as an engine loads a model: one pinning, one
// buffer to reuse.
#pragma once
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "offload/host_workers.hpp"
#include "offload/policy.hpp"
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

/// A placement whose tensors stay packed in host memory: policies differ in what acquire makes of a
/// piece. Memory has data() and bytes(), moves, and gives itself back; write(), where it cannot be
/// stored to, and drop(), where cold weights are not in memory.
template <typename Memory>
class PackedOnHost : public Placement {
 public:
  PackedOnHost(std::span<const WeightTensor> tensors, Packed packed, Memory memory,
               HostWorkers& workers)
      : Placement(tensors),
        packed_(std::move(packed)),
        memory_(std::move(memory)),
        workers_(workers) {}

  void fill(std::size_t index, std::span<const std::byte> content) final {
    if constexpr (requires { memory_.write(packed_.offset(index), content); }) {
      memory_.write(packed_.offset(index), content);
    } else {
      copy_by_workers(memory_.data() + packed_.offset(index), content, workers_);
    }
  }
  void read_back(std::size_t index, std::span<std::byte> out) final {
    copy_by_workers(out.data(), {memory_.data() + packed_.offset(index), out.size()}, workers_);
  }
  void reset(Start start, StreamHandle) final {
    if constexpr (requires { memory_.drop(); }) {
      if (start == Start::cold) memory_.drop();
    }
  }
  void release(std::size_t, StreamHandle) override {}
  std::vector<std::span<const std::byte>> host_ranges() const final {
    return {{memory_.data(), packed_.bytes()}};
  }

 protected:
  const Packed& packed() const { return packed_; }
  const Memory& memory() const { return memory_; }
  /// Where the CPU finds a piece.
  const std::byte* at(const Piece& piece) const { return memory_.data() + packed_.offset(piece); }

 private:
  Packed packed_;
  Memory memory_;
  HostWorkers& workers_;
};

}  // namespace offload
