// SPDX-License-Identifier: Apache-2.0
// Tensors one behind the other in one allocation, as an engine loads a model: one pinning, one
// buffer to reuse.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
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
/// memcmp likewise.
bool same_by_workers(const std::byte* a, std::span<const std::byte> b, HostWorkers& workers);

/// Memory that holds its tensors in parts that lie anywhere, filled by somebody else.
template <typename Memory>
concept InParts = requires(const Memory& memory, const Piece& piece) {
  memory.at(piece);
};

/// Memory that the CPU cannot address: it is written and read by calls.
template <typename Memory>
concept Apart = requires(const Memory& memory, std::span<std::byte> out) {
  memory.read(static_cast<const std::byte*>(nullptr), out);
};

/// What memory counts as that does not say otherwise by `counts_as`.
template <typename Memory>
constexpr std::size_t Footprint::*kind_of() {
  if constexpr (requires { Memory::counts_as; }) {
    return Memory::counts_as;
  } else {
    return &Footprint::pinned;
  }
}

/// A placement whose tensors stay packed in host memory: policies differ in what acquire makes of a
/// piece. Memory has data() and bytes(), moves, and gives itself back; write(), where it cannot be
/// stored to, and drop(), where cold weights are not in memory. Or it is one that is InParts, and
/// the packing is what a slot for the tensors would have.
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
    if constexpr (InParts<Memory>) {
      require_same(index, content);
    } else if constexpr (requires { memory_.write(packed_.offset(index), content); }) {
      memory_.write(packed_.offset(index), content);
    } else {
      copy_by_workers(memory_.data() + packed_.offset(index), content, workers_);
    }
  }
  void read_back(std::size_t index, std::span<std::byte> out) final {
    if constexpr (Apart<Memory>) {
      memory_.read(at(whole(index)), out);
      return;
    }
    for_each_part(whole(index), [&](const Piece& part) {
      copy_by_workers(out.data() + offset_in_tensor(part), {at(part), bytes_of(part)}, workers_);
    });
  }
  void reset(Start start, StreamHandle) final {
    if constexpr (requires { memory_.drop(); }) {
      if (start == Start::cold) memory_.drop();
    }
  }
  void release(std::size_t, StreamHandle) override {}
  std::optional<std::string> fault() const final {
    if constexpr (InParts<Memory>) {
      return memory_.fault();
    } else {
      return std::nullopt;
    }
  }
  std::vector<std::span<const std::byte>> host_ranges() const final {
    if constexpr (InParts<Memory>) {
      return memory_.pages();
    } else if constexpr (Apart<Memory>) {
      return {};
    } else {
      return {{memory_.data(), packed_.bytes()}};
    }
  }

 protected:
  const Packed& packed() const { return packed_; }
  const Memory& memory() const { return memory_; }
  /// Where the CPU finds a piece.
  const std::byte* at(const Piece& piece) const {
    if constexpr (InParts<Memory>) {
      return memory_.at(piece);
    } else {
      return memory_.data() + packed_.offset(piece);
    }
  }
  std::size_t bytes_of(const Piece& piece) const {
    return piece.rows * this->tensors()[piece.tensor].row_bytes();
  }
  Piece whole(std::size_t tensor) const { return {tensor, 0, this->tensors()[tensor].rows}; }
  /// Calls `take` with the pieces of `piece` that at() finds.
  template <typename Take>
  void for_each_part(const Piece& piece, const Take& take) const {
    if constexpr (InParts<Memory>) {
      memory_.for_each_part(piece, take);
    } else {
      take(piece);
    }
  }
  /// What `read` becomes for whoever reads in place.
  std::vector<Piece> in_parts(std::span<const Piece> read) const {
    std::vector<Piece> parts;
    for (const Piece& piece : read) {
      for_each_part(piece, [&parts](const Piece& part) { parts.push_back(part); });
    }
    return parts;
  }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool) override { return {in_parts(read)}; }

  std::size_t offset_in_tensor(const Piece& piece) const {
    return piece.first_row * this->tensors()[piece.tensor].row_bytes();
  }

  void require_same(std::size_t index, std::span<const std::byte> content) const {
    bool same = true;
    for_each_part(whole(index), [&](const Piece& part) {
      same =
          same && same_by_workers(at(part), content.subspan(offset_in_tensor(part), bytes_of(part)),
                                  workers_);
    });
    if (same) return;
    throw std::runtime_error(fault().value_or(
        this->tensors()[index].name + " of the model's files is not what was read of it just now"));
  }

  Packed packed_;
  Memory memory_;
  HostWorkers& workers_;
};

}  // namespace offload
