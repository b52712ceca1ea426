// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/placed_case.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/policies/parts/partly_resident.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

/// GPU and CPU take turns, as in a model whose layers depend on one another: the next tensor begins
/// when the last is complete on both sides, and activations cross the link.
void hand_over(Session& session, BoundWorkload& workload, const Piece& from, const PieceView& to) {
  session.workers().join();
  workload.hand_over(from.tensor, to.piece.tensor, session.target());
  if (to.side == Side::cpu) cuda::stream_synchronize(session.stream());
}

/// What the kernel made of memory that was advised to be huge. Throws ImplausibleResult where that
/// is something else.
HugePageUse require_huge(const Placement& placement) {
  const auto ranges = placement.host_ranges();
  const auto use = find_huge_pages(ranges, huge_page_bytes());
  if (!use) {
    throw ImplausibleResult(
        "whether host memory lies in huge pages cannot be verified: /proc/self/smaps does not tell "
        "of it");
  }
  const std::string huge = format_size_rounded(use->page_bytes);
  if (use->small_bytes > 0) {
    throw ImplausibleResult("placed wrongly: " + format_size_rounded(use->small_bytes) +
                            " of host memory lie in small pages and not in those of " + huge +
                            " that --host-pages asks for: free host memory, or compact it (echo 1 "
                            "> /proc/sys/vm/compact_memory)");
  }
  if (use->huge_bytes == 0) {
    throw ImplausibleResult("placed wrongly: no tensor fills a page of " + huge +
                            ", which --host-pages asks for: choose larger weights");
  }
  return *use;
}

}  // namespace

PlacedCase::PlacedCase(Session& session, std::uint64_t seed, WallTime& wall,
                       const std::function<void()>& checkpoint)
    : session_(session), wall_(wall), checkpoint_(checkpoint), contents_(session, seed, wall) {}

bool PlacedCase::holds(const Case& item) const {
  return placement_ && item.weights == item_.weights && item.policy == placed_policy_ &&
         item.workload->content() == placed_content_;
}

void PlacedCase::bind(const Case& item) {
  const bool same_weights = item.weights == item_.weights;
  if (!same_weights || item.policy != placed_policy_) {
    placement_.reset();
    placed_policy_ = nullptr;
    placed_content_.reset();
  }
  if (!same_weights) contents_.clear();
  item_ = item;

  const Content content = item.workload->content();
  workload_ = &contents_.bind(*item.workload, *item.weights);
  checkpoint_();
  place(content);
  pass_index_ = 0;
  if (item_.workload->varies()) workload_->select_pass(0);
  adopt(placement_->plan(workload_->pieces(), item.workload->runs_on_cpu()));
  // Pageable memory is read by the CPU even where the GPU computes: to stage it for the copy.
  facts_.cpu_reads_weights = facts_.computes_on_cpu || placement_->footprint().pageable > 0;
}

void PlacedCase::place(Content content) {
  if (!placement_) {
    const Range range("place");
    const ScopedTimer timer(wall_.allocation);
    // Idle buffers are kept for the next policy only while there is memory for them too.
    const Footprint needed = memory_needed(*item_.policy, *item_.weights, session_.tuning());
    const std::size_t wanted = needed.pinned + needed.managed + needed.pageable;
    const std::size_t held = session_.host_buffers().idle_bytes() + contents_.bytes();
    if (held + wanted > host_memory_limit(session_.platform().host)) {
      session_.host_buffers().trim();
    }
    placement_ = place_weights(*item_.policy, item_.weights->tensors, session_.place_context());
    placed_policy_ = item_.policy;
  }
  if (placed_content_ == content) return;
  const Range range("fill");
  const ScopedTimer timer(wall_.content);
  const auto tensors = contents_.master(content).tensors();
  for (std::size_t i = 0; i < tensors.size(); ++i) placement_->fill(i, tensors[i].bytes);
  huge_pages_.reset();
  if (item_.policy->from_malloc && session_.host_buffers().pages() == HostPages::huge) {
    huge_pages_ = require_huge(*placement_);
  }
  placed_content_ = content;
}

void PlacedCase::clear() noexcept {
  item_ = {};
  workload_ = nullptr;
  placement_.reset();
  placed_policy_ = nullptr;
  contents_.clear();
}

std::optional<std::string> PlacedCase::fault() const {
  return placement_ ? placement_->fault() : std::nullopt;
}

void PlacedCase::require_intact() const {
  if (const auto fault = this->fault()) throw std::runtime_error(*fault);
}

/// Bytes that cross the link are what kernels read of the weights that are not resident, unless the
/// policy decides.
void PlacedCase::adopt(PassPlan plan) {
  plan_ = std::move(plan);
  std::size_t resident = 0;
  for (const Piece& piece : plan_.pieces) {
    const WeightTensor& tensor = item_.weights->tensors[piece.tensor];
    if (tensor.resident) resident += piece.rows * tensor.row_bytes();
  }
  const std::size_t offloaded = workload_->bytes().requested - resident;
  facts_.link_bytes = plan_.copied.value_or(offloaded - std::min(offloaded, plan_.on_cpu));
  reads_counted_ = plan_.copied.has_value() || migrates(*item_.policy, session_.platform());
  facts_.computes_on_gpu = plan_.on_cpu < offloaded + resident;
  facts_.computes_on_cpu = plan_.on_cpu > 0;
}

void PlacedCase::next_pass() {
  if (!item_.workload->varies()) return;
  workload_->select_pass(pass_index_++);
  adopt(placement_->replan(workload_->pieces(), item_.workload->runs_on_cpu()));
}

void PlacedCase::plan_pieces(std::span<const Piece> pieces) {
  plan_ = placement_->replan(pieces, item_.workload->runs_on_cpu());
}

/// Reads of `view` after the first, which adopt() has counted.
void PlacedCase::count_further_reads(const PieceView& view) {
  const WeightTensor& tensor = item_.weights->tensors[view.piece.tensor];
  if (view.side == Side::cpu || view.in_slot || tensor.resident) return;
  const std::optional<std::size_t> reads = workload_->reads(view);
  if (!reads || !facts_.link_bytes) {
    facts_.link_bytes.reset();
    return;
  }
  *facts_.link_bytes += view.piece.rows * tensor.row_bytes() * (*reads - 1);
}

void PlacedCase::enqueue(std::size_t first, std::size_t last, SetupClock* clock, PassEnd end) {
  LaunchTarget target = session_.target();
  target.clock = clock;
  const Piece* previous = nullptr;
  bool cpu_had_part = false;  // of the previous piece's tensor
  for (std::size_t i = first; i < last; ++i) {
    const Piece& piece = plan_.pieces[i];
    const PieceView view = placement_->acquire(i, target.stream);
    const bool on_cpu = view.side == Side::cpu;
    if (previous != nullptr && previous->tensor != piece.tensor) {
      if (facts_.computes_on_gpu && (on_cpu || cpu_had_part)) {
        hand_over(session_, *workload_, *previous, view);
      }
      cpu_had_part = false;
    }
    if (on_cpu) facts_.computes_on_cpu = facts_.cpu_reads_weights = cpu_had_part = true;
    workload_->launch(view, target);
    if (!reads_counted_) count_further_reads(view);
    placement_->release(i, target.stream);
    previous = &piece;
  }
  if (last == plan_.pieces.size()) {
    reads_counted_ = true;
    if (end == PassEnd::joined) placement_->finish(target.stream);
  }
}

}  // namespace offload
