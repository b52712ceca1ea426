// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/partly_resident.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "bench/policies/parts/in_gpu_memory.hpp"

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
  return {a.device + b.device, a.pinned + b.pinned, a.managed + b.managed, a.pageable + b.pageable,
          a.peer + b.peer};
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

  bool tuning() const override { return parts_[0]->tuning(); }
  void reset(Start start, StreamHandle stream) override { parts_[0]->reset(start, stream); }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Home home = planned_in_[index];
    PieceView view = parts_[home.part]->acquire(home.index, stream);
    view.piece = planned(index);
    return view;
  }
  void release(std::size_t index, StreamHandle stream) override {
    const Home home = planned_in_[index];
    parts_[home.part]->release(home.index, stream);
  }
  void finish(StreamHandle stream) override { parts_[0]->finish(stream); }
  bool runs_on() const override { return parts_[0]->runs_on(); }
  void drop_head_start(StreamHandle stream) override { parts_[0]->drop_head_start(stream); }

  std::optional<std::string> fault() const override { return parts_[0]->fault(); }

  Footprint footprint() const override { return parts_[0]->footprint() + parts_[1]->footprint(); }
  std::vector<std::span<const std::byte>> host_ranges() const override {
    return parts_[0]->host_ranges();
  }

 private:
  struct Home {
    std::size_t part = 0;   // 0: under the policy, 1: resident
    std::size_t index = 0;  // of a tensor, or of a planned piece, in that part
  };

  PassPlan plan_pass(std::span<const Piece> read, bool cpu_can) override {
    read_.assign(read.begin(), read.end());
    resident_plan_ = parts_[1]->plan(read_in(1), false);
    return merge(parts_[0]->plan(read_in(0), cpu_can));
  }
  PassPlan replan_pass(std::span<const Piece> read, bool cpu_can) override {
    read_.assign(read.begin(), read.end());
    resident_plan_ = parts_[1]->replan(read_in(1), false);
    return merge(parts_[0]->replan(read_in(0), cpu_can));
  }
  PassPlan retune_pass(double pass_seconds) override {
    return merge(parts_[0]->retune(pass_seconds));
  }

  std::vector<Piece> read_in(std::size_t part) const {
    std::vector<Piece> pieces;
    for (const Piece& piece : read_) {
      if (homes_[piece.tensor].part == part) pieces.push_back(inner(piece));
    }
    return pieces;
  }

  /// Each part plans its own pieces; they stand where those they are of were read.
  PassPlan merge(const PassPlan& offloaded) {
    PassPlan merged{{}, offloaded.copied, offloaded.on_cpu};
    planned_in_.clear();
    const PassPlan* const plans[2] = {&offloaded, &resident_plan_};
    std::size_t next[2] = {0, 0};
    for (const Piece& piece : read_) {
      const std::size_t part = homes_[piece.tensor].part;
      const std::vector<Piece>& planned = plans[part]->pieces;
      std::size_t& at = next[part];
      for (; at < planned.size() && contains(inner(piece), planned[at]); ++at) {
        merged.pieces.push_back(outer(planned[at], part));
        planned_in_.push_back({part, at});
      }
    }
    return merged;
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
  PassPlan resident_plan_;
  std::vector<Home> planned_in_;  // by index in the plan
};

}  // namespace

std::unique_ptr<Placement> place_weights(const Policy& policy,
                                         std::span<const WeightTensor> weights,
                                         const PlaceContext& context) {
  return place_weights(policy, place_in_gpu_memory, weights, context);
}

std::unique_ptr<Placement> place_weights(const Policy& policy, PlaceFunction place_resident,
                                         std::span<const WeightTensor> weights,
                                         const PlaceContext& context) {
  if (std::none_of(weights.begin(), weights.end(), is_resident)) {
    return policy.place(weights, context);
  }
  const std::vector<WeightTensor> resident = select(weights, true);
  const std::vector<WeightTensor> offloaded = select(weights, false);
  auto in_gpu_memory = place_resident(resident, context);
  return std::make_unique<PartlyResident>(weights, std::move(in_gpu_memory),
                                          policy.place(offloaded, context));
}

Requirement memory_needed(const Policy& policy, const WeightSet& weights, const Tuning& tuning) {
  const WeightSet resident{weights.name, select(weights.tensors, true)};
  if (resident.tensors.empty()) return policy.requirement(weights, tuning);
  const WeightSet offloaded{weights.name, select(weights.tensors, false)};
  return policy.requirement(offloaded, tuning) + needed_in_gpu_memory(resident, tuning);
}

}  // namespace offload
