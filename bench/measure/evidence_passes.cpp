// SPDX-License-Identifier: Apache-2.0
// The loop's passes that nobody times: what process, driver and hardware do in one.
#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/pass_means.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/residency.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

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

constexpr double energy_batch_seconds = 5e-3;
constexpr std::size_t energy_least_bytes = std::size_t{256} << 20;
// The byte counters of the link hold 32 bits, packet headers included.
constexpr double max_wire_bytes = 0xffffffff / 1.2;

}  // namespace

/// Weight bytes of some of the plan's pieces that are not resident.
std::size_t Loop::offloaded_bytes(std::size_t first, std::size_t last) const {
  std::size_t sum = 0;
  for (std::size_t i = first; i < last; ++i) {
    const WeightTensor& tensor = item_.weights->tensors[plan_.pieces[i].tensor];
    if (!tensor.resident) sum += plan_.pieces[i].rows * tensor.row_bytes();
  }
  return sum;
}

Evidence Loop::evidence() {
  const Range range("evidence");
  if (!watched_) throw std::logic_error("evidence: no pass was watched");
  const PassMeans& means = *watched_;
  GpuState state = state_before_;
  gpu_counters_.note_after(state);
  Evidence found;
  found.passes = means.passes();
  found.cpu = Observed<CpuTime>::measured(means.cpu(driver_threads_));
  found.page_faults = Observed<PageFaults>::measured(means.page_faults());
  found.residency = find_residency(placement_->host_ranges());
  found.link = link_of(means);
  found.energy = energy_of_passes();
  found.gpu = gpu_counters_.available() ? Observed<GpuState>::measured(std::move(state))
                                        : Observed<GpuState>::unavailable(gpu_counters_.reason());
  return found;
}

Observed<LinkTraffic> Loop::link_of(const PassMeans& means) const {
  using Traffic = Observed<LinkTraffic>;
  if (!gpu_counters_.available()) return Traffic::unavailable(gpu_counters_.reason());
  // A product of many tokens reads over the link again and again: only its time bounds the bytes.
  const bool reads_once = item_.workload->tokens() <= 1;
  const std::size_t bytes = std::max(link_bytes_, bound_workload_->bytes().requested);
  const auto& link = session_.platform().link;
  const double peak = link ? link->peak_bytes_per_second.value_or(0) : 0;
  const double most = reads_once ? static_cast<double>(bytes) : peak * last_pass_seconds_;
  if (most >= max_wire_bytes) {
    return Traffic::unavailable("a pass carries more than NVML's 32-bit counters hold");
  }
  if (const auto traffic = means.link()) return Traffic::measured(*traffic);
  return Traffic::unavailable("NVML counts no PCI Express bytes of this GPU");
}

Observed<Energy> Loop::energy_of_passes() {
  if (!gpu_counters_.available()) return Observed<Energy>::unavailable(gpu_counters_.reason());
  if (!thorough_) return Observed<Energy>::unavailable("takes 0.2 s a case: --evidence all");
  if (bound_workload_->steps() > 0)
    return Observed<Energy>::unavailable("a chain of single reads, no stream");
  if (bound_workload_->bytes().requested < energy_least_bytes) {
    return Observed<Energy>::unavailable("a pass reads less than " +
                                         format_size(energy_least_bytes) +
                                         ": launching would be a part of it");
  }
  if (item_.start == Start::cold) {
    return Observed<Energy>::unavailable(
        "between cold passes the weights are brought home, which the counter, renewed every 0.1 s, "
        "cannot tell from the pass");
  }
  const Path path = item_.policy->path(item_.start, session_.platform());
  if (path == Path::device_memory && item_.start == Start::warm) {
    return Observed<Energy>::unavailable("the weights have moved to the GPU: as device_resident");
  }
  if (path == Path::host_memory) {
    return Observed<Energy>::unavailable("the GPU idles, and NVML does not count the CPU's");
  }

  // Enough at a time that launching them leaves the GPU busy.
  const double pass = std::max(last_pass_seconds_, 1e-6);
  const auto passes =
      static_cast<std::size_t>(std::max(std::ceil(energy_batch_seconds / pass), 1.0));
  return energy_meter_.measure(
      [&] {
        checkpoint();
        for (std::size_t i = 0; i < passes; ++i) {
          if (computes_on_cpu_) session_.wait();
          next_pass();
          run_pass();
        }
        session_.wait();
      },
      passes);
}

PassSeries Loop::series(std::size_t count) {
  const Range range("series");
  PassSeries series;
  std::set<std::tuple<std::size_t, std::size_t, std::size_t>> seen;
  pass_index_ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    checkpoint();
    const std::vector<double> before = driver_threads_.seconds();
    // Only the first pass begins at the case's start; the state it leaves is the next one's.
    series.seconds.push_back(timed_pass(i == 0 ? item_.start : Start::warm));
    const std::vector<double> after = driver_threads_.seconds();
    double driver = 0;
    for (std::size_t t = 0; t < before.size(); ++t) driver += after[t] - before[t];
    if (driver_threads_.available()) series.driver_seconds.push_back(driver);
    std::size_t distinct = 0;
    for (const Piece& piece : bound_workload_->pieces()) {
      const WeightTensor& tensor = item_.weights->tensors[piece.tensor];
      const bool is_new = seen.emplace(piece.tensor, piece.first_row, piece.rows).second;
      if (is_new) distinct += piece.rows * tensor.row_bytes();
    }
    series.distinct_bytes.push_back(distinct);
  }
  return series;
}

/// Cut what the workload reads into pieces that the counters can follow, as far as it can be cut,
/// and leave out what would take too long.
void Loop::plan_countable() {
  std::vector<Piece> countable;
  const bool whole = item_.workload->needs_whole_tensors();
  std::size_t sum = 0;
  for (const Piece& piece : bound_workload_->pieces()) {
    const WeightTensor& tensor = item_.weights->tensors[piece.tensor];
    std::size_t rows_at_once = max_counted_at_once / tensor.row_bytes();
    rows_at_once = std::max(rows_at_once / row_alignment * row_alignment, row_alignment);
    for (std::size_t row = 0; row < piece.rows && (whole || sum < max_counted);) {
      const std::size_t rows = whole ? piece.rows : std::min(rows_at_once, piece.rows - row);
      countable.push_back({piece.tensor, piece.first_row + row, rows});
      row += rows;
      if (!tensor.resident) sum += rows * tensor.row_bytes();
    }
  }
  plan_ = placement_->replan(countable, item_.workload->runs_on_cpu());
}

/// Leaves the weights of the bound case at its start, and its pass planned to be counted.
Loop::CountedPass Loop::begin_counted() {
  if (item_.start == Start::warm) {
    // As the last pass left it: bind() may have placed the weights anew.
    run_pass();
    session_.wait();
  }
  plan_countable();
  placement_->reset(item_.start, session_.stream());
  session_.wait();
  return countable_pass();
}

Loop::CountedPass Loop::countable_pass() const {
  CountedPass pass;
  const std::size_t read = offloaded_bytes(0, plan_.pieces.size());
  pass.bytes_read = std::min(bound_workload_->bytes().requested, read);
  pass.migrates = migrates(*item_.policy, session_.platform());
  if (item_.start == Start::cold && pass.migrates) {
    // A pointer chase or a gather touches a part of a tensor, so only some pages move.
    pass.min_moved =
        bound_workload_->bytes().touched >= read ? read : std::min<std::size_t>(read, 1);
  }
  return pass;
}

/// The pieces [first, last) of the planned pass.
void Loop::run_counted(std::size_t first, std::size_t last, CountedPass& pass) {
  const auto before = gpu_counters_.wire();
  enqueue(first, last);
  if (last == plan_.pieces.size()) placement_->finish(session_.stream());
  session_.wait();
  const auto after = gpu_counters_.wire();
  if (before && after) pass.wire_to_device += link_traffic(*before, *after, false).wire_to_device;
}

/// What was counted in a pass, unless the link's own counter tells that records were lost.
Observed<UmTraffic> Loop::checked(UmTraffic traffic, const CountedPass& pass) {
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
Observed<UmTraffic> Loop::count_in_parts(CountedPass pass) {
  (void)um_.available();  // finding out moves bytes too: not in between
  UmTraffic sum;
  for (std::size_t first = 0; first < plan_.pieces.size();) {
    std::size_t last = first;
    std::size_t bytes = 0;
    do {
      bytes += offloaded_bytes(last, last + 1);
      ++last;
    } while (last < plan_.pieces.size() &&
             bytes + offloaded_bytes(last, last + 1) <= max_counted_at_once);
    const UmCollector::Pass part{[] {}, [&] { run_counted(first, last, pass); }};
    const Observed<std::vector<UmTraffic>> found = um_.measure({&part, 1});
    if (!found.value) return {found.state, found.reason, std::nullopt};
    sum += found.value->front();
    first = last;
  }
  return checked(sum, pass);
}

Observed<UmTraffic> Loop::um_traffic(const Case& item) {
  const Range range("evidence");
  if (!is_placed(item) && item.weights->bytes() > max_filled_while_counting) um_.stop();
  bind(item);
  CountedPass pass;
  std::size_t max_moved = 0;
  for (int i = 0; i < max_counted_passes; ++i) {
    checkpoint();
    pass = begin_counted();
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
  // Weights that are not cold move little or nothing; lost records leave the greater part.
  if (2 * max_moved >= pass.min_moved || !um_.count_right()) {
    return Observed<UmTraffic>::unavailable("CUPTI lost records: it saw " +
                                            format_size_rounded(max_moved) + " of at least " +
                                            format_size_rounded(pass.min_moved));
  }
  throw ImplausibleResult("not cold: passes over " + format_size_rounded(pass.bytes_read) +
                          " moved at most " + format_size_rounded(max_moved) + " to the GPU");
}

std::vector<std::optional<UmTraffic>> Loop::um_traffic_at_once(std::span<const Case> items) {
  const Range range("evidence");
  std::vector<std::optional<UmTraffic>> counted(items.size());
  if (!um_.available()) return counted;
  std::vector<CountedPass> begun(items.size());
  std::vector<UmCollector::Pass> passes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    passes.push_back({[this, &items, &begun, i] {
                        checkpoint();
                        bind(items[i]);
                        begun[i] = begin_counted();
                      },
                      [this, &begun, i] { run_counted(0, plan_.pieces.size(), begun[i]); }});
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

Observed<std::vector<UmTraffic>> Loop::um_series(const Case& item, std::size_t count) {
  const Range range("evidence");
  bind(item);
  placement_->reset(item.start, session_.stream());
  session_.wait();
  std::vector<UmTraffic> traffic;
  for (std::size_t i = 0; i < count; ++i) {
    checkpoint();
    next_pass();
    plan_countable();
    Observed<UmTraffic> found = count_in_parts(countable_pass());
    if (!found.value) return {found.state, found.reason};
    traffic.push_back(*found.value);
  }
  return Observed<std::vector<UmTraffic>>::measured(std::move(traffic));
}

}  // namespace offload
