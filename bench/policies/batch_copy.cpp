// SPDX-License-Identifier: Apache-2.0
// The weights stay in pinned memory; what is read of a layer, be it all its tensors, the experts
// chosen or scattered rows, is copied by one cudaMemcpyBatchAsync into a slot of GPU memory and
// read there. Copies and kernels share a stream, so the next layer waits until this one is read.
#include <utility>

#include "bench/policies/parts/layers.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class BatchCopyPlacement final : public PackedOnHost<HostBuffers::Loan> {
 public:
  BatchCopyPlacement(std::span<const WeightTensor> tensors, Packed packed, HostBuffers::Loan memory,
                     HostWorkers& workers)
      : PackedOnHost(tensors, std::move(packed), std::move(memory), workers),
        slot_(largest_layer(this->tensors())) {
    for (const LayerRange& layer : layers_of(this->tensors())) {
      layer_begin_.resize(layer.end, this->packed().offset(layer.first));
    }
  }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const std::size_t visit = visit_of_piece_[index];
    const bool first = index == 0 || visit_of_piece_[index - 1] != visit;
    if (first) cuda::memcpy_batch_async(visits_[visit], stream);
    return {planned(index), in_slot(planned(index)), Side::gpu, true};
  }

  Footprint footprint() const override {
    return {.device = slot_.bytes(), .pinned = memory().bytes()};
  }

 private:
  /// A visit: neighbouring pieces of one layer.
  PassPlan plan_pass(std::span<const Piece> read, bool) override {
    PassPlan plan{{read.begin(), read.end()}, std::size_t{0}};
    visits_.clear();
    visit_of_piece_.clear();
    for (std::size_t i = 0; i < read.size(); ++i) {
      const WeightTensor& tensor = tensors()[read[i].tensor];
      if (i == 0 || tensor.layer != tensors()[read[i - 1].tensor].layer) visits_.emplace_back();
      const std::size_t bytes = read[i].rows * tensor.row_bytes();
      visits_.back().add(in_slot(read[i]), at(read[i]), bytes);
      visit_of_piece_.push_back(visits_.size() - 1);
      *plan.copied += bytes;
    }
    return plan;
  }

  /// A piece lies in the slot as it lies in its layer.
  std::byte* in_slot(const Piece& piece) const {
    return static_cast<std::byte*>(slot_.data()) + packed().offset(piece) -
           layer_begin_[piece.tensor];
  }

  cuda::DeviceBuffer slot_;
  std::vector<std::size_t> layer_begin_;  // by tensor
  std::vector<cuda::CopyBatch> visits_;
  std::vector<std::size_t> visit_of_piece_;
};

Requirement requirement(const WeightSet& weights, const Tuning& /*tuning*/) {
  return {.device = largest_layer(weights.tensors),
          .pinned = whole_pages(Packed(weights.tensors).bytes())};
}

std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(HostMemory::pinned, packed.bytes());
  return std::make_unique<BatchCopyPlacement>(tensors, std::move(packed), std::move(memory),
                                              context.workers);
}

std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  const Rates& rates = context.rates;
  std::optional<std::size_t> layer;
  return precisely(in_order(work, context, [&](const WorkItem& item) {
    const WeightTensor& tensor = context.tensors[item.piece.tensor];
    const auto start = layer == tensor.layer ? std::optional(0.0) : rates.copy_start;
    layer = tensor.layer;
    return start + rates.batch_start +
           bytes_over(item.piece.rows * tensor.row_bytes(), rates.copy_h2d) + item.on_gpu;
  }));
}

constexpr Need batched_copies[] = {
    {&MemoryModel::batched_copies,
     "cudaMemcpyBatchAsync (toolkit and driver of CUDA 12.8 or newer)"}};

constexpr Policy rows[] = {{
    .name = "pinned_batch_copy",
    .memory = "cudaHostAlloc",
    .mechanism = "one cudaMemcpyBatchAsync of what is read of a layer, then read, on one stream",
    .nearest_engine = "vLLM with UVA disabled, by a call for each tensor",
    .family = Family::copy,
    .needs = batched_copies,
    .not_capturable_because = "cudaMemcpyBatchAsync cannot be captured",
    .requirement = requirement,
    .place = place,
    .predict = predict,
}};

}  // namespace

namespace policies {

std::span<const Policy> batch_copy() { return rows; }

}  // namespace policies

}  // namespace offload
