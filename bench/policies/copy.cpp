// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory; each tensor is copied whole into one slot of GPU memory, as the
// engines' `.to(device)` does, and read there. Copy and kernel share a stream, so the next copy
// waits until the slot has been read.
#include <algorithm>
#include <utility>

#include "bench/policies/parts/packed.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

std::size_t slot_bytes(std::span<const WeightTensor> tensors) {
  std::size_t largest = 0;
  for (const auto& tensor : tensors) largest = std::max(largest, tensor.bytes());
  return largest;
}

class CopyPlacement final : public PackedOnHost<HostBuffers::Loan> {
 public:
  CopyPlacement(std::span<const WeightTensor> tensors, Packed packed, HostBuffers::Loan memory,
                HostWorkers& workers, HostMemory kind)
      : PackedOnHost(tensors, std::move(packed), std::move(memory), workers),
        kind_(kind),
        slot_(slot_bytes(tensors)) {}

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Piece& piece = planned(index);
    const WeightTensor& tensor = tensors()[piece.tensor];
    // Further pieces of a tensor find it in the slot.
    if (index == 0 || planned(index - 1).tensor != piece.tensor) {
      cuda::memcpy_async(slot_.data(), at({piece.tensor, 0, tensor.rows}), tensor.bytes(), stream);
    }
    const auto* const slot = static_cast<const std::byte*>(slot_.data());
    return {piece, slot + piece.first_row * tensor.row_bytes(), Side::gpu, true};
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

  HostMemory kind_;
  cuda::DeviceBuffer slot_;
};

template <HostMemory kind>
Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  Requirement needed{.device = slot_bytes(weights.tensors)};
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

constexpr std::string_view copy_then_read =
    "cudaMemcpyAsync into one slot, then read, on one stream";

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
    },
};

}  // namespace

namespace policies {

std::span<const Policy> copy() { return rows; }

}  // namespace policies

}  // namespace offload
