// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/counted_passes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/measure/ranges.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

// Counters lose records now and then, which makes them count too little, never too much.
constexpr int max_counted_passes = 3;
// Nor do they keep up with more than this at once: passes over 448 MiB lost half of their records,
// passes over 112 MiB none.
constexpr std::size_t max_counted_at_once = std::size_t{96} << 20;
// Of a pass: each part takes 20 ms to collect what was counted.
constexpr std::size_t max_counted = std::size_t{256} << 20;
// To count the faults of filling more takes longer than turning the counters off and on.
constexpr std::size_t max_filled_while_counting = std::size_t{512} << 20;
// What a piece's first row must be a multiple of (see Piece).
constexpr std::size_t row_alignment = 4;

/// Weight bytes of pieces [first, last) of the plan that are not resident.
std::size_t offloaded_bytes(const PlacedCase& placed, std::size_t first, std::size_t last) {
  std::size_t sum = 0;
  for (std::size_t i = first; i < last; ++i) {
    const Piece& piece = placed.plan().pieces[i];
    const WeightTensor& tensor = placed.item().weights->tensors[piece.tensor];
    if (!tensor.resident) sum += piece.rows * tensor.row_bytes();
  }
  return sum;
}

/// What the workload reads, cut into pieces that the counters can follow, as far as it can be cut,
/// and without what would take too long. A window moves pages between the parts of a pass as well:
/// its pass is counted at once.
std::vector<Piece> countable_pieces(const PlacedCase& placed) {
  std::vector<Piece> countable;
  const bool whole = placed.item().workload->needs_whole_tensors();
  const bool at_once = placed.item().policy->migrates_every_pass;
  const std::size_t most = at_once ? max_counted_at_once : max_counted;
  std::size_t sum = 0;
  for (const Piece& piece : placed.workload().pieces()) {
    const WeightTensor& tensor = placed.item().weights->tensors[piece.tensor];
    for (std::size_t row = 0; row < piece.rows && (whole || sum < most);) {
      std::size_t rows = (at_once ? most - sum : max_counted_at_once) / tensor.row_bytes();
      rows = std::max(rows / row_alignment * row_alignment, row_alignment);
      rows = whole ? piece.rows : std::min(rows, piece.rows - row);
      countable.push_back({piece.tensor, piece.first_row + row, rows});
      row += rows;
      if (!tensor.resident) sum += rows * tensor.row_bytes();
    }
  }
  return countable;
}

}  // namespace

CountedPasses::CountedPasses(Session& session, PlacedCase& placed, Passes& passes,
                             const GpuCounters& counters, const std::function<void()>& checkpoint)
    : session_(session),
      placed_(placed),
      passes_(passes),
      gpu_counters_(counters),
      checkpoint_(checkpoint) {}

/// Leaves the weights of the bound case at its start, and its pass planned to be counted.
CountedPasses::CountedPass CountedPasses::begin() {
  if (placed_.item().start == Start::warm) {
    // As the last pass left it: bind() may have placed the weights anew.
    passes_.run();
    session_.wait();
  }
  placed_.plan_pieces(countable_pieces(placed_));
  placed_.placement().reset(placed_.item().start, session_.stream());
  session_.wait();
  return planned();
}

CountedPasses::CountedPass CountedPasses::planned() const {
  CountedPass pass;
  const std::size_t read = offloaded_bytes(placed_, 0, placed_.plan().pieces.size());
  pass.bytes_read = std::min(placed_.workload().bytes().requested, read);
  const Policy& policy = *placed_.item().policy;
  const Platform& platform = session_.platform();
  const bool from_cold = migrates(policy, platform);
  const bool every_pass = policy.migrates_every_pass && !one_memory(platform);
  pass.migrates = from_cold || every_pass;
  if (every_pass || (placed_.item().start == Start::cold && from_cold)) {
    // A pointer chase or a gather touches a part of a tensor, so only some pages move.
    pass.min_moved =
        placed_.workload().bytes().touched >= read ? read : std::min<std::size_t>(read, 1);
  }
  return pass;
}

/// The pieces [first, last) of the planned pass.
void CountedPasses::run(std::size_t first, std::size_t last, CountedPass& pass) {
  const auto before = gpu_counters_.wire();
  placed_.enqueue(first, last);
  session_.wait();
  const auto after = gpu_counters_.wire();
  if (before && after) pass.wire_to_device += link_traffic(*before, *after, false).wire_to_device;
}

/// What was counted in a pass, unless the link's own counter shows that records were lost.
Observed<UmTraffic> CountedPasses::checked(UmTraffic traffic, const CountedPass& pass) {
  traffic.bytes_read = pass.bytes_read;
  const std::size_t moved = traffic.to_device.total();
  if (pass.migrates && lost_records(moved, pass.wire_to_device)) {
    return Observed<UmTraffic>::unavailable(
        "CUPTI lost records: it saw " + format_size_rounded(moved) +
        " move while the link carried " +
        format_size_rounded(static_cast<std::size_t>(pass.wire_to_device)) + ", headers included");
  }
  return Observed<UmTraffic>::measured(traffic);
}

/// The planned pass, counted part by part.
Observed<UmTraffic> CountedPasses::count_in_parts(CountedPass pass) {
  (void)um_.available();  // finding out moves bytes too: not in between
  UmTraffic sum;
  for (std::size_t first = 0; first < placed_.plan().pieces.size();) {
    std::size_t last = first;
    std::size_t bytes = 0;
    do {
      bytes += offloaded_bytes(placed_, last, last + 1);
      ++last;
    } while (last < placed_.plan().pieces.size() &&
             (placed_.item().policy->migrates_every_pass ||
              bytes + offloaded_bytes(placed_, last, last + 1) <= max_counted_at_once));
    const UmCollector::Pass part{[] {}, [&] { run(first, last, pass); }};
    const Observed<std::vector<UmTraffic>> found = um_.measure({&part, 1});
    if (!found.value) return {found.state, found.reason, std::nullopt};
    sum += found.value->front();
    first = last;
  }
  return checked(sum, pass);
}

Observed<UmTraffic> CountedPasses::traffic(const Case& item) {
  const Range range("evidence");
  if (!placed_.holds(item) && item.weights->bytes() > max_filled_while_counting) um_.stop();
  passes_.bind(item);
  CountedPass pass;
  std::size_t max_moved = 0;
  for (int i = 0; i < max_counted_passes; ++i) {
    checkpoint_();
    pass = begin();
    Observed<UmTraffic> found = count_in_parts(pass);
    // Without counters the rate of every sample has still been held against the link's.
    const bool last = i + 1 == max_counted_passes;
    if (!found.value && (last || !um_.available())) return found;
    if (found.value) {
      if (found.value->to_device.total() >= pass.min_moved) return found;
      max_moved = std::max(max_moved, found.value->to_device.total());
    }
    um_.stop();  // and start afresh: records were lost
  }
  // Weights that lie on the GPU move little or nothing; lost records leave the greater part.
  if (2 * max_moved >= pass.min_moved || !um_.count_right()) {
    return Observed<UmTraffic>::unavailable("CUPTI lost records: it saw " +
                                            format_size_rounded(max_moved) + " of at least " +
                                            format_size_rounded(pass.min_moved));
  }
  throw ImplausibleResult((placed_.item().start == Start::cold ? "not cold" : "not steady") +
                          std::string(": passes over ") + format_size_rounded(pass.bytes_read) +
                          " moved at most " + format_size_rounded(max_moved) + " to the GPU");
}

std::vector<std::optional<UmTraffic>> CountedPasses::traffic_at_once(std::span<const Case> items) {
  const Range range("evidence");
  std::vector<std::optional<UmTraffic>> counted(items.size());
  if (!um_.available()) return counted;
  std::vector<CountedPass> begun(items.size());
  std::vector<UmCollector::Pass> passes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    passes.push_back({[this, &items, &begun, i] {
                        checkpoint_();
                        passes_.bind(items[i]);
                        begun[i] = begin();
                      },
                      [this, &begun, i] { run(0, placed_.plan().pieces.size(), begun[i]); }});
  }
  const Observed<std::vector<UmTraffic>> found = um_.measure(passes);
  if (!found.value) return counted;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Observed<UmTraffic> of_item = checked((*found.value)[i], begun[i]);
    const bool enough = of_item.value && of_item.value->to_device.total() >= begun[i].min_moved;
    if (enough) counted[i] = of_item.value;
  }
  return counted;
}

Observed<std::vector<UmTraffic>> CountedPasses::series(const Case& item, std::size_t count) {
  const Range range("evidence");
  passes_.bind(item);
  placed_.placement().reset(item.start, session_.stream());
  session_.wait();
  std::vector<UmTraffic> traffic;
  for (std::size_t i = 0; i < count; ++i) {
    checkpoint_();
    placed_.next_pass();
    placed_.plan_pieces(countable_pieces(placed_));
    Observed<UmTraffic> found = count_in_parts(planned());
    if (!found.value) return {found.state, found.reason};
    traffic.push_back(*found.value);
  }
  return Observed<std::vector<UmTraffic>>::measured(std::move(traffic));
}

}  // namespace offload
