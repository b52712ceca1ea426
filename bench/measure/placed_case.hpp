// SPDX-License-Identifier: Apache-2.0
// One case in place: its weights under its policy, filled, its workload bound to them, its pass
// planned, and the one function that enqueues a pass.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "bench/core/huge_page.hpp"
#include "bench/measure/content.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/session.hpp"
#include "bench/record.hpp"

namespace offload {

/// What the planned pass does, as far as the plan and the passes so far have shown.
struct PassFacts {
  /// That cross the link, if the policy's path is the link. What kernels read there more than once
  /// counts as often, which the first pass shows; nullopt where they do not say how often.
  std::optional<std::size_t> link_bytes = 0;
  bool computes_on_gpu = false;
  bool computes_on_cpu = false;
  bool cpu_reads_weights = false;  // to compute with them, or to stage them for a copy
};

enum class PassEnd : std::uint8_t { joined, open };

class PlacedCase {
 public:
  /// `checkpoint` is called between steps and may throw to leave. All references must outlive this.
  PlacedCase(Session& session, std::uint64_t seed, WallTime& wall,
             const std::function<void()>& checkpoint);

  /// Place and fill the weights of `item`, bind its workload and plan its pass, reusing what the
  /// case before left where it is the same. Throws ImplausibleResult where host memory does not lie
  /// in the pages that were asked for.
  void bind(const Case& item);
  /// Whether bind() would find the weights placed and filled for `item`.
  bool holds(const Case& item) const;
  /// Give all memory back and forget the case.
  void clear() noexcept;

  /// Plan the next pass of a workload whose passes vary; after rewind(), the first again.
  void next_pass();
  void rewind() { pass_index_ = 0; }
  /// Pass as `plan`, which the placement has made.
  void adopt(PassPlan plan);
  /// Read `pieces` instead of what the workload reads; the facts stay those of the whole pass.
  void plan_pieces(std::span<const Piece> pieces);
  /// Enqueue pieces [first, last) of the planned pass: acquire, launch and release each; with the
  /// last piece of the plan, what the placement still has under way joins the stream, unless the
  /// pass is left open for the next one.
  void enqueue(std::size_t first, std::size_t last, SetupClock* clock = nullptr,
               PassEnd end = PassEnd::joined);

  /// As Placement::fault() says it; nullopt where nothing is placed.
  std::optional<std::string> fault() const;
  /// Throws std::runtime_error where there is one.
  void require_intact() const;

  const Case& item() const { return item_; }
  BoundWorkload& workload() const { return *workload_; }
  Placement& placement() const { return *placement_; }
  const PassPlan& plan() const { return plan_; }
  const PassFacts& facts() const { return facts_; }
  /// Of host memory that is to be in huge pages, as it was filled.
  const std::optional<HugePageUse>& huge_pages() const { return huge_pages_; }

 private:
  void place(Content content);
  void count_further_reads(const PieceView& view);

  Session& session_;
  WallTime& wall_;
  const std::function<void()>& checkpoint_;
  WeightContents contents_;

  Case item_;
  BoundWorkload* workload_ = nullptr;
  const Policy* placed_policy_ = nullptr;
  std::optional<Content> placed_content_;
  std::unique_ptr<Placement> placement_;
  std::optional<HugePageUse> huge_pages_;
  PassPlan plan_;
  PassFacts facts_;
  bool reads_counted_ = false;  // of the plan, by the pass that is enqueued first
  std::size_t pass_index_ = 0;  // of the next pass, for workloads that vary
};

}  // namespace offload
