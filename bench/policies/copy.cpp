// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory; each piece is copied into one slot of GPU memory and read there.
// Copy and kernel share a stream, so the next copy waits until the slot has been read.
#include <algorithm>

#include "bench/policies/described.hpp"
#include "bench/policies/packed.hpp"
#include "bench/policies/policies.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/host_buffers.hpp"

namespace offload {
namespace {

/// No piece is larger than the largest tensor.
std::size_t slot_bytes(std::span<const WeightTensor> tensors) {
  std::size_t largest = 0;
  for (const auto& tensor : tensors) largest = std::max(largest, tensor.bytes());
  return largest;
}

class CopyPlacement final : public Placement {
 public:
  CopyPlacement(std::span<const WeightTensor> tensors, HostMemory kind, const PlaceContext& context)
      : Placement(tensors),
        kind_(kind),
        packed_(tensors),
        memory_(context.host_buffers.borrow(kind, packed_.bytes())),
        slot_(slot_bytes(tensors)),
        workers_(context.workers) {}

  void fill(std::size_t index, std::span<const std::byte> content) override {
    copy_by_workers(memory_.data() + packed_.offset(index), content, workers_);
  }
  void read_back(std::size_t index, std::span<std::byte> out) override {
    copy_by_workers(out.data(), {memory_.data() + packed_.offset(index), out.size()}, workers_);
  }
  void reset(Start, StreamHandle) override {}

  PieceView acquire(const Piece& piece, StreamHandle stream) override {
    cuda::memcpy_async(slot_.data(), memory_.data() + packed_.offset(piece),
                       piece.rows * tensors()[piece.tensor].row_bytes(), stream);
    return {piece, static_cast<const std::byte*>(slot_.data()), Side::gpu};
  }
  void release(const Piece&, StreamHandle) override {}

  Footprint footprint() const override {
    Footprint taken{.device = slot_.bytes()};
    (kind_ == HostMemory::pinned ? taken.pinned : taken.pageable) = memory_.bytes();
    return taken;
  }

 private:
  HostMemory kind_;
  Packed packed_;
  HostBuffers::Loan memory_;
  cuda::DeviceBuffer slot_;
  HostWorkers& workers_;
};

class Copy final : public DescribedPolicy {
 public:
  Copy(const PolicyText& text, HostMemory kind) : DescribedPolicy(text), kind_(kind) {}

  Support support(const Platform& platform) const override { return needs_gpu(platform); }
  std::span<const Start> starts() const override { return steady_only; }
  Path path(Start, const Platform&) const override { return Path::link; }
  Requirement requirement(const WeightSet& weights) const override {
    Requirement needed{.device = slot_bytes(weights.tensors)};
    (kind_ == HostMemory::pinned ? needed.pinned : needed.pageable) =
        whole_pages(Packed(weights.tensors).bytes());
    return needed;
  }
  std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                   const PlaceContext& context) const override {
    return std::make_unique<CopyPlacement>(tensors, kind_, context);
  }

 private:
  HostMemory kind_;
};

}  // namespace

std::unique_ptr<Policy> make_pinned_copy() {
  return std::make_unique<Copy>(
      PolicyText{.name = "pinned_copy",
                 .memory = "cudaHostAlloc",
                 .mechanism = "cudaMemcpyAsync into one slot, then read, on one stream",
                 .engine_flags = "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 --cpu-offload-gb X "
                                 "--enforce-eager; SGLang --cpu-offload-gb X"},
      HostMemory::pinned);
}

std::unique_ptr<Policy> make_pageable_copy() {
  return std::make_unique<Copy>(
      PolicyText{.name = "pageable_copy",
                 .memory = "malloc",
                 .mechanism = "cudaMemcpyAsync into one slot, then read, on one stream",
                 .engine_flags = "vLLM VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 "
                                 "VLLM_WEIGHT_OFFLOADING_DISABLE_PIN_MEMORY=1 --cpu-offload-gb X "
                                 "--enforce-eager"},
      HostMemory::pageable);
}

}  // namespace offload
