// SPDX-License-Identifier: Apache-2.0
// The weights stay in pinned memory; the copy engine streams row panels of them through a small
// ring of slots in GPU memory, and kernels read panel after panel. hybrid_split does the same with
// a part of each tensor's rows while the CPU computes the others where they lie.
#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "bench/policies/parts/host_share.hpp"
#include "bench/policies/parts/packed.hpp"
#include "bench/policies/parts/panels.hpp"
#include "bench/policies/parts/pass_times.hpp"
#include "bench/policies/parts/slot_ring.hpp"
#include "offload/cuda/host_buffers.hpp"

namespace offload {
namespace {

class RingPlacement final : public PackedOnHost<HostBuffers::Loan> {
 public:
  /// `share` is the CPU's; none for a plain ring.
  RingPlacement(std::span<const WeightTensor> tensors, Packed packed, HostBuffers::Loan memory,
                const PlaceContext& context, HostShare share)
      : PackedOnHost(tensors, std::move(packed), std::move(memory), context.workers),
        panel_(panel_bytes(context.tuning, context.rates)),
        ring_(context.tuning.slots, slot_bytes(this->tensors(), panel_)),
        share_(std::move(share)) {}

  bool tuning() const override { return share_.tuning(); }

  PieceView acquire(std::size_t index, StreamHandle stream) override {
    const Piece& piece = planned(index);
    const std::size_t unit = unit_of_piece_[index];
    if (unit == on_cpu) return {piece, at(piece), Side::cpu};
    ring_.enter(unit, stream);
    return {piece, ring_.slot(unit), Side::gpu, true};
  }
  void release(std::size_t index, StreamHandle stream) override {
    if (unit_of_piece_[index] != on_cpu) ring_.leave(unit_of_piece_[index], stream);
  }
  void finish(StreamHandle stream) override { ring_.finish(stream); }
  /// What the CPU computes ends with its pass.
  bool runs_on() const override { return share_.share() <= 0; }
  void drop_head_start(StreamHandle stream) override { ring_.begin_again(stream); }

  Footprint footprint() const override {
    return {.device = ring_.bytes(), .pinned = memory().bytes()};
  }

 private:
  static constexpr std::size_t on_cpu = ~std::size_t{0};

  PassPlan plan_pass(std::span<const Piece> read, bool cpu_can) override {
    read_.assign(read.begin(), read.end());
    share_.begin(cpu_can);
    return split();
  }
  PassPlan replan_pass(std::span<const Piece> read, bool) override {
    read_.assign(read.begin(), read.end());
    return split();
  }
  PassPlan retune_pass(double pass_seconds) override {
    share_.tried(pass_seconds);
    return split();
  }

  PassPlan split() {
    PassPlan plan{{}, std::size_t{0}};
    std::vector<SlotUnit> units;
    unit_of_piece_.clear();
    for (const Piece& piece : read_) {
      const std::size_t row_bytes = tensors()[piece.tensor].row_bytes();
      const std::size_t host_rows = share_.rows(piece.rows);
      Piece carried = piece;
      carried.rows -= host_rows;
      // The CPU first: it begins before the stream has anything to wait for.
      if (host_rows > 0) {
        plan.pieces.push_back({piece.tensor, piece.first_row + carried.rows, host_rows});
        plan.on_cpu += host_rows * row_bytes;
        unit_of_piece_.push_back(on_cpu);
      }
      if (carried.rows == 0) continue;
      const std::size_t first = plan.pieces.size();
      append_panels(carried, tensors()[piece.tensor], panel_, plan.pieces);
      for (std::size_t i = first; i < plan.pieces.size(); ++i) {
        const Piece& panel = plan.pieces[i];
        unit_of_piece_.push_back(units.size());
        units.push_back({{{at(panel), panel.rows * row_bytes, 0}}});
        *plan.copied += panel.rows * row_bytes;
      }
    }
    ring_.begin(std::move(units), nullptr);
    return plan;
  }

  std::size_t panel_;
  SlotRing ring_;
  HostShare share_;
  std::vector<Piece> read_;
  std::vector<std::size_t> unit_of_piece_;
};

Requirement requirement(const WeightSet& weights, const Tuning& tuning) {
  const std::size_t slot = slot_bytes(weights.tensors, max_panel_bytes(tuning));
  return {.device = tuning.slots * slot, .pinned = whole_pages(Packed(weights.tensors).bytes())};
}

template <bool shares>
std::unique_ptr<Placement> place(std::span<const WeightTensor> tensors,
                                 const PlaceContext& context) {
  Packed packed(tensors);
  auto memory = context.host_buffers.borrow(HostMemory::pinned, packed.bytes());
  return std::make_unique<RingPlacement>(
      tensors, std::move(packed), std::move(memory), context,
      shares ? HostShare(context.tuning, context.rates) : HostShare());
}

/// One tensor, and of stacked experts those that are read: the CPU with `share` of the rows, the
/// ring with the others. The next begins when both are done.
std::optional<double> split_tensor(std::span<const WorkItem> items, const PredictContext& context,
                                   double share) {
  const Rates& rates = context.rates;
  const auto panel = static_cast<double>(panel_bytes(context.tuning, rates));
  std::optional<double> on_gpu = 0.0;
  std::optional<double> on_cpu = 0.0;
  double carried = 0;
  double panels = 0;
  for (const WorkItem& item : items) {
    on_gpu = on_gpu + item.on_gpu;
    on_cpu = on_cpu + item.on_cpu;
    const double bytes = (1 - share) * static_cast<double>(item.bytes);
    carried += bytes;
    panels += std::ceil(bytes / panel);
  }
  const auto starts = rates.copy_start ? std::optional(panels * *rates.copy_start) : std::nullopt;
  const auto link = bytes_over(carried, rates.copy_h2d_beside_host) + starts;
  if (!on_gpu || !on_cpu || !link) return std::nullopt;
  // Nothing is copied beside a CPU that computes all.
  const double beside = rates.host_read_beside_copy.value_or(rates.host_read);
  const double slower = share < 1 ? rates.host_read / beside : 1;
  return rates.hand_over + std::max({*link, (1 - share) * *on_gpu, share * slower * *on_cpu});
}

std::optional<double> predict_split(const PassWork& work, const PredictContext& context,
                                    double share) {
  std::optional<double> seconds = 0.0;
  for (auto first = work.begin(); first != work.end();) {
    const auto last = std::find_if(first, work.end(), [&](const WorkItem& item) {
      return item.piece.tensor != first->piece.tensor;
    });
    const std::span<const WorkItem> items(first, last);
    if (is_resident(*first, context)) {
      for (const WorkItem& item : items) seconds = seconds + item.on_gpu;
    } else {
      seconds = seconds + split_tensor(items, context, share);
    }
    first = last;
  }
  const double carried = (1 - share) * offloaded_bytes(work, context);
  return in_one_memory(seconds, carried, work, context);
}

template <bool shares>
std::optional<Prediction> predict(const PassWork& work, const PredictContext& context) {
  const Rates& rates = context.rates;
  const auto overlapped =
      panel_times(work, context, panel_bytes(context.tuning, rates), [&](double bytes) {
        return rates.copy_start + bytes_over(bytes, rates.copy_h2d);
      }).steady(context.tuning.slots, context.joined);
  const auto carried = in_one_memory(overlapped, offloaded_bytes(work, context), work, context);
  if (!shares) return precisely(carried);
  if (rates.host_read <= 0) return std::nullopt;
  if (context.tuning.host_share) {
    return roughly(predict_split(work, context, *context.tuning.host_share));
  }
  std::optional<double> best;
  for (int percent = 5; percent <= 100; percent += 5) {
    const auto split = predict_split(work, context, percent / 100.0);
    if (split && (!best || *split < *best)) best = split;
  }
  // Where the CPU cannot compute, or is not worth it, the ring carries all.
  if (!best) return roughly(carried);
  if (!carried) return std::nullopt;
  return roughly(std::min(*best, *carried));
}

constexpr Policy rows[] = {
    {
        .name = "pinned_ring_copy",
        .memory = "cudaHostAlloc",
        .mechanism = "a copy stream brings row panels into a small ring of slots",
        .nearest_engine = "vLLM --offload-backend prefetch, by whole layers",
        .family = Family::copy,
        .divides_tensors = true,
        .requirement = requirement,
        .place = place<false>,
        .predict = predict<false>,
    },
    {
        .name = "hybrid_split",
        .memory = "cudaHostAlloc",
        .mechanism = "the CPU computes a share of the rows, a ring carries the others",
        .nearest_engine = "FreeToken --moe-strategy hybrid, by whole experts",
        .family = Family::hybrid,
        .divides_tensors = true,
        .not_capturable_because = "the CPU's part cannot be captured",
        .requirement = requirement,
        .place = place<true>,
        .predict = predict<true>,
    },
};

}  // namespace

namespace policies {

std::span<const Policy> ring_copy() { return rows; }

}  // namespace policies

}  // namespace offload
