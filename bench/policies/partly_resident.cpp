// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/partly_resident.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "bench/policies/policies.hpp"

namespace offload {
namespace {

bool is_resident(const WeightTensor& tensor) { return tensor.resident; }

std::vector<WeightTensor> select(std::span<const WeightTensor> all, bool resident) {
  std::vector<WeightTensor> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [resident](const WeightTensor& tensor) { return tensor.resident == resident; });
  return some;
}

Footprint operator+(const Footprint& a, const Footprint& b) {
  return {a.device + b.device, a.pinned + b.pinned, a.managed + b.managed, a.pageable + b.pageable};
}

bool contains(const Piece& outer, const Piece& inner) {
  return outer.tensor == inner.tensor && outer.first_row <= inner.first_row &&
         inner.first_row + inner.rows <= outer.first_row + outer.rows;
}

class PartlyResident final : public Placement {
 public:
  PartlyResident(std::span<const WeightTensor> tensors, std::unique_ptr<Placement> resident,
                 std::unique_ptr<Placement> offloaded)
      : Placement(tensors), parts_{std::move(offloaded), std::move(resident)} {
    std::size_t count[2] = {0, 0};
    for (const WeightTensor& tensor : tensors) {
      const std::size_t part = tensor.resident ? 1 : 0;
      homes_.push_back({part, count[part]++});
      whole_index_[part].push_back(homes_.size() - 1);
    }
  }

  void fill(std::size_t index, std::span<const std::byte> content) override {
    part(index).fill(homes_[index].index, content);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    part(index).read_back(homes_[index].index, out);
  }

  /// The policy plans its own pieces; the resident ones stand between them where they were.
  PassPlan plan(std::span<const Piece> read, bool cpu_can) override {
    return merge(parts_[0]->plan(offloaded_of(read), cpu_can));
  }
  PassPlan replan(std::span<const Piece> read, bool cpu_can) override {
    return merge(parts_[0]->replan(offloaded_of(read), cpu_can));
  }
  bool tuning() const override { return parts_[0]->tuning(); }
  PassPlan retune(double pass_seconds) override { return merge(parts_[0]->retune(pass_seconds)); }
  void reset(Start start, StreamHandle stream) override { parts_[0]->reset(start, stream); }

  PieceView acquire(const Piece& piece, StreamHandle stream) override {
    PieceView view = part(piece.tensor).acquire(inner(piece), stream);
    view.piece = piece;
    return view;
  }
  void release(const Piece& piece, StreamHandle stream) override {
    part(piece.tensor).release(inner(piece), stream);
  }
  void finish(StreamHandle stream) override { parts_[0]->finish(stream); }

  Footprint footprint() const override { return parts_[0]->footprint() + parts_[1]->footprint(); }
  std::vector<std::span<const std::byte>> host_ranges() const override {
    return parts_[0]->host_ranges();
  }

 private:
  struct Home {
    std::size_t part = 0;   // 0: under the policy, 1: resident
    std::size_t index = 0;  // in that part
  };

  std::vector<Piece> offloaded_of(std::span<const Piece> read) {
    read_.assign(read.begin(), read.end());
    std::vector<Piece> offloaded;
    for (const Piece& piece : read) {
      if (homes_[piece.tensor].part == 0) offloaded.push_back(inner(piece));
    }
    return offloaded;
  }

  PassPlan merge(PassPlan plan) const {
    std::vector<Piece> merged;
    auto next = plan.pieces.begin();
    for (const Piece& piece : read_) {
      if (homes_[piece.tensor].part == 1) {
        merged.push_back(piece);
        continue;
      }
      const Piece asked = inner(piece);
      for (; next != plan.pieces.end() && contains(asked, *next); ++next) {
        merged.push_back(outer(*next, 0));
      }
    }
    plan.pieces = std::move(merged);
    return plan;
  }

  Placement& part(std::size_t tensor) { return *parts_[homes_[tensor].part]; }
  Piece inner(const Piece& piece) const {
    return {homes_[piece.tensor].index, piece.first_row, piece.rows};
  }
  Piece outer(const Piece& piece, std::size_t part) const {
    return {whole_index_[part][piece.tensor], piece.first_row, piece.rows};
  }

  std::unique_ptr<Placement> parts_[2];
  std::vector<Home> homes_;
  std::vector<std::size_t> whole_index_[2];
  std::vector<Piece> read_;
};

}  // namespace

std::unique_ptr<Placement> place_weights(const Policy& policy,
                                         std::span<const WeightTensor> weights,
                                         const PlaceContext& context) {
  return place_weights(policy, *make_device_resident(), weights, context);
}

std::unique_ptr<Placement> place_weights(const Policy& policy, const Policy& of_resident,
                                         std::span<const WeightTensor> weights,
                                         const PlaceContext& context) {
  if (std::none_of(weights.begin(), weights.end(), is_resident)) {
    return policy.place(weights, context);
  }
  const std::vector<WeightTensor> resident = select(weights, true);
  const std::vector<WeightTensor> offloaded = select(weights, false);
  auto in_gpu_memory = of_resident.place(resident, context);
  return std::make_unique<PartlyResident>(weights, std::move(in_gpu_memory),
                                          policy.place(offloaded, context));
}

Requirement memory_needed(const Policy& policy, const WeightSet& weights, const Tuning& tuning) {
  const WeightSet resident{weights.name, select(weights.tensors, true)};
  if (resident.tensors.empty()) return policy.requirement(weights, tuning);
  const WeightSet offloaded{weights.name, select(weights.tensors, false)};
  return policy.requirement(offloaded, tuning) +
         make_device_resident()->requirement(resident, tuning);
}

}  // namespace offload
