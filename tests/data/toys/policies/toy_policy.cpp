// SPDX-License-Identifier: Apache-2.0
// What a stranger would add: a policy in one file. The weights lie in pageable memory, and the CPU
// copies each piece into one slot before it computes there.
#include <algorithm>
#include <utility>

#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"

namespace offload {
namespace {

std::size_t largest_tensor(std::span<const WeightTensor> tensors) {
  std::size_t largest = 0;
  for (const WeightTensor& tensor : tensors) largest = std::max(largest, tensor.bytes());
  return largest;
}

class ToyPlacement final : public PackedOnHost<HostBuffers::Loan> {
 public:
  ToyPlacement(std::span<const WeightTensor> tensors, Packed packed, HostBuffers::Loan memory,
               HostBuffers::Loan slot, HostWorkers& workers)
      : PackedOnHost(tensors, std::move(packed), std::move(memory), workers),
        slot_(std::move(slot)),
        workers_(workers) {}

  PieceView acquire(std::size_t index, StreamHandle /*stream*/) override {
    const Piece& piece = planned(index);
    // The workers run one task after the other: whoever reads the slot has done so by then.
    copy_by_workers(slot_.data(), {at(piece), bytes_of(piece)}, workers_);
    return {piece, slot_.data(), Side::cpu, true};
  }
  Footprint footprint() const override { return {.pageable = memory().bytes() + slot_.bytes()}; }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool /*cpu_can*/) override {
    PassPlan plan{{read.begin(), read.end()}, std::size_t{0}};
    for (const Piece& piece : read) plan.on_cpu += bytes_of(piece);
    return plan;
  }
  std::size_t bytes_of(const Piece& piece) const {
    return piece.rows * tensors()[piece.tensor].row_bytes();
  }

  HostBuffers::Loan slot_;
  HostWorkers& workers_;
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pageable = whole_pages(Packed(weights.tensors).bytes()) +
                      whole_pages(largest_tensor(weights.tensors))};
}

std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(HostMemory::pageable, packed.bytes());
  auto slot = context.host_buffers.borrow(HostMemory::pageable, largest_tensor(tensors));
  return std::make_unique<ToyPlacement>(tensors, std::move(packed), std::move(memory),
                                        std::move(slot), context.workers);
}

/// A copy, and then what host_compute takes: not much less than twice that.
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  return roughly(in_order(work, context, [&](const WorkItem& item) {
    return bytes_over(item.bytes, context.rates.host_read) + item.on_cpu;
  }));
}

constexpr Policy rows[] = {{
    .name = "toy_host_copy",
    .memory = "malloc, and a slot",
    .mechanism = "the CPU copies each piece into the slot and computes there",
    .family = Family::cpu,
    .from_malloc = true,
    .paths = {Path::host_memory, Path::host_memory},
    .needs_gpu = false,
    .not_capturable_because = "the CPU's work cannot be captured",
    .requirement = requirement,
    .place = place,
    .predict = predict,
}};

}  // namespace

namespace policies {

std::span<const Policy> toy_policy() { return rows; }

}  // namespace policies

}  // namespace offload
