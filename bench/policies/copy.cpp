// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory; each tensor is copied whole into its place in one slot of GPU
// memory, and read there. The slot is as large as a layer, whose whole state the engines'
// `.to(device)` brings. Copy and kernel share a stream, so the next layer's copies wait until this
// one has been read.
#include <utility>

#include "bench/policies/parts/layers.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class CopyPlacement final : public PackedOnHost<HostBuffers::Loan> {
 public:
  CopyPlacement(std::span<const WeightTensor> tensors, Packed packed, HostBuffers::Loan memory,
                HostWorkers& workers, HostMemory kind)
      : PackedOnHost(tensors, std::move(packed), std::move(memory), workers),
        kind_(kind),
        slot_(largest_layer(tensors)) {
    for (const LayerRange& layer : layers_of(tensors)) {
      layer_begin_.resize(layer.end, this->packed().offset(layer.first));
    }
  }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Piece& piece = planned(index);
    const WeightTensor& tensor = tensors()[piece.tensor];
    // Further pieces of a tensor find it in the slot.
    if (index == 0 || planned(index - 1).tensor != piece.tensor) {
      const Piece whole{piece.tensor, 0, tensor.rows};
      cuda::memcpy_async(in_slot(whole), at(whole), tensor.bytes(), stream);
    }
    return {piece, in_slot(piece), Side::gpu, true};
  }

  Footprint footprint() const override {
    Footprint taken{.device = slot_.bytes()};
    (kind_ == HostMemory::pinned ? taken.pinned : taken.pageable) = memory().bytes();
    return taken;
  }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    PassPlan plan{{read.begin(), read.end()}, std::size_t{0}};
    for (std::size_t i = 0; i < read.size(); ++i) {
      const bool first = i == 0 || read[i].tensor != read[i - 1].tensor;
      if (first) *plan.copied += tensors()[read[i].tensor].bytes();
    }
    return plan;
  }

  /// A piece lies in the slot as it lies in its layer.
  std::byte* in_slot(const Piece& piece) const {
    return static_cast<std::byte*>(slot_.data()) + packed().offset(piece) -
           layer_begin_[piece.tensor];
  }

  HostMemory kind_;
  cuda::DeviceBuffer slot_;
  std::vector<std::size_t> layer_begin_;  // by tensor
};

template <HostMemory kind>
Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  Requirement needed{.device = largest_layer(weights.tensors)};
  (kind == HostMemory::pinned ? needed.pinned : needed.pageable) =
      whole_pages(Packed(weights.tensors).bytes());
  return needed;
}

template <HostMemory kind>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(kind, packed.bytes());
  return std::make_unique<CopyPlacement>(tensors, std::move(packed), std::move(memory),
                                         context.workers, kind);
}

template <HostMemory kind>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  const Rates& rates = context.rates;
  const auto rate = kind == HostMemory::pinned ? rates.copy_h2d : rates.copy_pageable;
  const Piece* previous = nullptr;
  const auto seconds = in_order(work, context, [&](const WorkItem& item) {
    const bool in_slot = previous != nullptr && previous->tensor == item.piece.tensor;
    previous = &item.piece;
    if (in_slot) return item.on_gpu;
    const std::size_t whole = context.tensors[item.piece.tensor].bytes();
    return rates.copy_start + bytes_over(whole, rate) + item.on_gpu;
  });
  return kind == HostMemory::pinned ? precisely(seconds) : roughly(seconds);
}

constexpr std::string_view copy_then_read =
    "cudaMemcpyAsync of each tensor into a slot for a layer, then read, on one stream";

constexpr Policy rows[] = {
    {
        .name = "pinned_copy",
        .memory = "cudaHostAlloc",
        .mechanism = copy_then_read,
        .engine_flags = "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 --cpu-offload-gb X "
                        "--enforce-eager; SGLang --cpu-offload-gb X",
        .family = Family::copy,
        .requirement = requirement<HostMemory::pinned>,
        .place = place<HostMemory::pinned>,
        .predict = predict<HostMemory::pinned>,
    },
    {
        .name = "pageable_copy",
        .memory = "malloc",
        .mechanism = copy_then_read,
        .engine_flags = "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 "
                        "VLLM_WEIGHT_OFFLOADING_DISABLE_PIN_MEMORY=1 --cpu-offload-gb X "
                        "--enforce-eager",
        .family = Family::copy,
        .requirement = requirement<HostMemory::pageable>,
        .place = place<HostMemory::pageable>,
        .predict = predict<HostMemory::pageable>,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> copy() { return rows; }

}  // namespace policies

}  // namespace offload
