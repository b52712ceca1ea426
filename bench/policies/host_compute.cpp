// SPDX-License-Identifier: Apache-2.0
// The weights stay in host memory and the CPU does the arithmetic where they lie.
#include <utility>

#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"

namespace offload {
namespace {

class HostComputePlacement final : public PackedOnHost<HostBuffers::Loan> {
 public:
  using PackedOnHost::PackedOnHost;

  PieceView acquire(std::size_t index, StreamHandle) override {
    return {planned(index), at(planned(index)), Side::cpu};
  }
  Footprint footprint() const override { return {.pageable = memory().bytes()}; }

 private:
  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    PassPlan plan{{read.begin(), read.end()}, std::size_t{0}};
    for (const Piece& piece : read) {
      plan.on_cpu += piece.rows * tensors()[piece.tensor].row_bytes();
    }
    return plan;
  }
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.pageable = whole_pages(Packed(weights.tensors).bytes())};
}

std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(HostMemory::pageable, packed.bytes());
  return std::make_unique<HostComputePlacement>(tensors, std::move(packed), std::move(memory),
                                                context.workers);
}

/// The sides take turns where some weights are resident.
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  std::optional<bool> on_gpu;
  const auto turn = [&](bool gpu) {
    const bool turns = on_gpu && *on_gpu != gpu;
    on_gpu = gpu;
    return turns ? context.rates.hand_over : std::optional(0.0);
  };
  std::optional<double> seconds = 0.0;
  for (const WorkItem& item : work) {
    const bool gpu = is_resident(item, context);
    seconds = seconds + turn(gpu) + (gpu ? item.on_gpu : item.on_cpu);
  }
  return roughly(seconds);
}

constexpr Policy rows[] = {{
    .name = "host_compute",
    .memory = "malloc",
    .mechanism = "the CPU computes in place, on every core",
    // From 32 tokens on llama.cpp would copy weights to the GPU instead.
    .engine_flags = "llama.cpp -ngl N --no-op-offload; llama.cpp -ncmoe N --no-op-offload",
    .family = Family::cpu,
    .paths = {Path::host_memory, Path::host_memory},
    .needs_gpu = false,
    .not_capturable_because = "the CPU's work cannot be captured",
    .requirement = requirement,
    .place = place,
    .predict = predict,
}};

}  // namespace

namespace policies {

std::span<const Policy> host_compute() { return rows; }

}  // namespace policies

}  // namespace offload
