// SPDX-License-Identifier: Apache-2.0
// The weights stay in pinned memory; a copy stream brings whole layers into a few slots of GPU
// memory, some layers ahead of the kernels. The rule is vLLM's: as many slots as layers ahead, and
// the copy of layer i + S begins when the kernels of layer i have ended.
#include <algorithm>
#include <utility>

#include "bench/policies/parts/layers.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "bench/policies/parts/peer_memory.hpp"
#include "bench/policies/parts/slot_ring.hpp"
#include "offload/cuda/host_buffers.hpp"

namespace offload {
namespace {

template <typename Memory>
class PrefetchCopyPlacement final : public PackedOnHost<Memory> {
  using PackedOnHost<Memory>::packed;
  using PackedOnHost<Memory>::planned;
  using PackedOnHost<Memory>::tensors;
  using PackedOnHost<Memory>::at;

 public:
  PrefetchCopyPlacement(std::span<const WeightTensor> weights, Packed packing, Memory memory,
                        HostWorkers& workers, std::size_t slots)
      : PackedOnHost<Memory>(weights, std::move(packing), std::move(memory), workers),
        layers_(layers_of(weights)),
        ring_(slots, largest_layer(weights)) {}

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const std::size_t unit = unit_of_piece_[index];
    const bool first = index == 0 || unit_of_piece_[index - 1] != unit;
    if (first) ring_.enter(unit, stream);
    const Piece& piece = planned(index);
    const std::size_t in_layer =
        packed().offset(piece) - packed().offset(layer_of(piece.tensor).first);
    return {piece, ring_.slot(unit) + in_layer, Side::gpu, true};
  }
  void release(std::size_t index, StreamHandle stream) override {
    const std::size_t unit = unit_of_piece_[index];
    const bool last = index + 1 == unit_of_piece_.size() || unit_of_piece_[index + 1] != unit;
    if (last) ring_.leave(unit, stream);
  }
  void finish(StreamHandle stream) override { ring_.finish(stream); }
  bool runs_on() const override { return true; }
  void drop_head_start(StreamHandle stream) override { ring_.begin_again(stream); }

  Footprint footprint() const override {
    Footprint taken{.device = ring_.bytes()};
    taken.*kind_of<Memory>() = this->memory().bytes();
    return taken;
  }

 private:
  /// Which rows are read does not matter: an engine that runs ahead of the router copies them all.
  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    unit_of_piece_.clear();
    std::vector<SlotUnit> units;
    PassPlan plan{{read.begin(), read.end()}, std::size_t{0}};
    const LayerRange* current = nullptr;
    for (const Piece& piece : read) {
      const LayerRange& layer = layer_of(piece.tensor);
      if (&layer != current) {
        units.push_back(whole(layer));
        for (const auto& part : units.back().parts) *plan.copied += part.bytes;
        current = &layer;
      }
      unit_of_piece_.push_back(units.size() - 1);
    }
    ring_.begin(std::move(units), nullptr);
    return plan;
  }
  const LayerRange& layer_of(std::size_t tensor) const {
    return *std::find_if(layers_.begin(), layers_.end(),
                         [tensor](const LayerRange& layer) { return tensor < layer.end; });
  }
  SlotUnit whole(const LayerRange& layer) const {
    SlotUnit unit;
    for (std::size_t i = layer.first; i < layer.end; ++i) {
      unit.parts.push_back({at({i, 0, tensors()[i].rows}), tensors()[i].bytes(),
                            packed().offset(i) - packed().offset(layer.first)});
    }
    return unit;
  }

  std::vector<LayerRange> layers_;
  SlotRing ring_;
  std::vector<std::size_t> unit_of_piece_;
};

/// Layers ahead: as asked for, or a number that belongs to the row.
using Step = std::size_t (*)(const Tuning& tuning);
std::size_t as_asked(const Tuning& tuning) { return tuning.prefetch_step; }
std::size_t two(const Tuning& /*tuning*/) { return 2; }

template <Step step>
Requirement requirement(const WeightSet& weights, const Tuning& tuning) {
  return {.device = step(tuning) * largest_layer(weights.tensors),
          .pinned = whole_pages(Packed(weights.tensors).bytes())};
}

template <Step step>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(HostMemory::pinned, packed.bytes());
  return std::make_unique<PrefetchCopyPlacement<HostBuffers::Loan>>(
      tensors, std::move(packed), std::move(memory), context.workers, step(context.tuning));
}

Requirement requirement_of_peer(const WeightSet& weights, const Tuning& tuning) {
  return {.device = two(tuning) * largest_layer(weights.tensors),
          .peer = Packed(weights.tensors).bytes()};
}

std::unique_ptr<Placement> place_on_peer(std::span<const WeightTensor> tensors,
                                         const PlaceContext& context) {
  Packed packed(tensors);
  PeerMemory memory(packed.bytes(), context.platform);
  return std::make_unique<PrefetchCopyPlacement<PeerMemory>>(
      tensors, std::move(packed), std::move(memory), context.workers, two(context.tuning));
}

template <Step step, std::optional<double> Rates::*rate = &Rates::copy_h2d>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  UnitTimes units;
  std::optional<std::size_t> layer;
  double copied = 0;
  const auto begin_layer = [&](std::size_t next) {
    layer = next;
    units.begin_unit();
    for (const WeightTensor& tensor : context.tensors) {
      if (tensor.layer != next || tensor.resident) continue;
      copied += static_cast<double>(tensor.bytes());
      units.bring(context.rates.copy_start + bytes_over(tensor.bytes(), context.rates.*rate));
    }
  };
  for (const WorkItem& item : work) {
    const std::size_t of = context.tensors[item.piece.tensor].layer;
    if (is_resident(item, context)) {
      if (layer == of) {
        units.read(item.on_gpu);
      } else {
        units.resident(item.on_gpu);
      }
      continue;
    }
    if (layer != of) begin_layer(of);
    units.read(item.on_gpu);
  }
  const auto overlapped = units.steady(step(context.tuning), context.joined);
  return precisely(in_one_memory(overlapped, copied, work, context));
}

template <Step step>
constexpr Policy ahead(std::string_view name, std::string_view mechanism,
                       std::string_view engine_flags) {
  return {
      .name = name,
      .memory = "cudaHostAlloc",
      .mechanism = mechanism,
      .engine_flags = engine_flags,
      .family = Family::copy,
      .requirement = requirement<step>,
      .place = place<step>,
      .predict = predict<step>,
  };
}

constexpr Policy rows[] = {
    ahead<as_asked>("pinned_prefetch_copy",
                    "a copy stream brings layers into slots, S layers ahead",
                    "vLLM --offload-backend prefetch --offload-group-size G "
                    "--offload-num-in-group N --offload-prefetch-step S"),
    // One slot is copied or read, never both: with two the next layer comes while one is read.
    ahead<two>("pinned_prefetch2_copy",
               "a copy stream brings layers into two slots, two layers ahead",
               "vLLM --offload-backend prefetch --offload-group-size G "
               "--offload-num-in-group N --offload-prefetch-step 2"),
    {
        .name = "peer_copy",
        .memory = "cudaMalloc on another GPU",
        .mechanism = "a copy stream brings layers into two slots, two layers ahead",
        .family = Family::peer,
        .needs_peer = true,
        .paths = {Path::peer, Path::peer},
        .requirement = requirement_of_peer,
        .place = place_on_peer,
        .predict = predict<two, &Rates::peer_copy>,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> prefetch_copy() { return rows; }

}  // namespace policies

}  // namespace offload
