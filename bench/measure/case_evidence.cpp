// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/case_evidence.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "bench/measure/counters.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

constexpr double energy_batch_seconds = 5e-3;
constexpr std::size_t min_energy_bytes = std::size_t{256} << 20;
// The byte counters of the link hold 32 bits, packet headers included.
constexpr double max_wire_bytes = 0xffffffff / 1.2;

/// Why no energy can be stated of the case, before any pass is run for it; "" if it can be.
std::string no_energy(const PlacedCase& placed, const Platform& platform) {
  if (placed.workload().steps() > 0) return "a chain of single reads, no stream";
  if (placed.workload().bytes().requested < min_energy_bytes) {
    return "a pass reads less than " + format_size(min_energy_bytes) +
           ": launching would be a part of it";
  }
  const Case& item = placed.item();
  const Path path = item.policy->path(item.start, platform);
  if (path == Path::host_memory) return "the GPU idles, and NVML does not count the CPU's";
  if (item.start == Start::cold) {
    return "between cold passes the weights are brought back, which the counter, renewed every "
           "0.1 s, cannot separate from the pass";
  }
  if (path == Path::device_memory && item.start == Start::warm) {
    return "the weights have moved to the GPU: as device_resident";
  }
  return "";
}

}  // namespace

std::string link_not_counted(const Platform& platform) {
  if (one_memory(platform)) return "nothing crosses a link: GPU and CPU share one memory";
  if (!platform.link || platform.link->kind == "pcie") return "";
  return "NVML counts the bytes of PCI Express, not of " + platform.link->kind;
}

CaseEvidence::CaseEvidence(Session& session, PlacedCase& placed, Passes& passes,
                           const std::function<void()>& checkpoint)
    : session_(session),
      placed_(placed),
      passes_(passes),
      checkpoint_(checkpoint),
      gpu_counters_(session.gpu_counters()),
      energy_meter_([this] { return gpu_counters_.joules(); },
                    [watch = Stopwatch()] { return watch.seconds(); }) {}

void CaseEvidence::begin_case(bool watches) {
  means_.reset();
  if (watches) means_.emplace(!placed_.item().policy->driver_handles_pages);
}

void CaseEvidence::begin_samples() {
  if (!means_) return;
  const Case& item = placed_.item();
  residency_before_ = {};
  if (item.start == Start::warm && item.policy->driver_handles_pages) {
    residency_before_ = residency();
  }
  gpu_before_ = {};
  gpu_counters_.note_before(gpu_before_);
  host_watch_.begin(driver_threads_);
}

void CaseEvidence::before_pass() { before_ = moment_before(driver_threads_, gpu_counters_); }

void CaseEvidence::after_pass() {
  means_->add(before_, moment_after(driver_threads_, gpu_counters_));
}

Evidence CaseEvidence::collect(bool thorough) {
  const Range range("evidence");
  if (!means_) throw std::logic_error("evidence: no pass was watched");
  GpuState state = gpu_before_;
  gpu_counters_.note_after(state);
  Evidence found;
  found.host = host_watch_.end(driver_threads_);
  found.passes = means_->passes();
  found.cpu = Observed<CpuTime>::measured(means_->cpu(driver_threads_));
  found.page_faults = Observed<PageFaults>::measured(means_->page_faults());
  found.residency = residency();
  if (found.residency.value && residency_before_.value) {
    found.residency.value->not_on_cpu_before = residency_before_.value->not_on_cpu;
  }
  found.link = link();
  if (!gpu_counters_.available()) {
    found.energy = Observed<Energy>::unavailable(gpu_counters_.reason());
    found.gpu = Observed<GpuState>::unavailable(gpu_counters_.reason());
    return found;
  }
  found.energy =
      thorough ? energy() : Observed<Energy>::unavailable("takes 0.2 s a case: --evidence all");
  found.gpu = Observed<GpuState>::measured(std::move(state));
  return found;
}

Observed<Residency> CaseEvidence::residency() const {
  return find_residency(placed_.placement().host_ranges(), gpu_nodes(session_.platform()));
}

Observed<LinkTraffic> CaseEvidence::link() const {
  using Traffic = Observed<LinkTraffic>;
  if (!gpu_counters_.available()) return Traffic::unavailable(gpu_counters_.reason());
  if (std::string why = link_not_counted(session_.platform()); !why.empty()) {
    return Traffic::unavailable(std::move(why));
  }
  // Where it is unknown how often kernels read over the link, only their time bounds the bytes.
  const auto& crossing = placed_.facts().link_bytes;
  const std::size_t bytes = std::max(crossing.value_or(0), placed_.workload().bytes().requested);
  const auto& link = session_.platform().link;
  const double peak = link ? link->peak_bytes_per_second.value_or(0) : 0;
  const double max_bytes = crossing ? static_cast<double>(bytes) : peak * passes_.last_seconds();
  if (max_bytes >= max_wire_bytes) {
    return Traffic::unavailable("a pass carries more than NVML's 32-bit counters hold");
  }
  if (const auto traffic = means_->link()) return Traffic::measured(*traffic);
  return Traffic::unavailable("NVML counts no PCI Express bytes of this GPU");
}

Observed<Energy> CaseEvidence::energy() {
  const std::string reason = no_energy(placed_, session_.platform());
  if (!reason.empty()) return Observed<Energy>::unavailable(reason);
  // Enough at a time that launching them leaves the GPU busy.
  const double pass = std::max(passes_.last_seconds(), 1e-6);
  const auto passes =
      static_cast<std::size_t>(std::max(std::ceil(energy_batch_seconds / pass), 1.0));
  return energy_meter_.measure(
      [&] {
        checkpoint_();
        for (std::size_t i = 0; i < passes; ++i) {
          if (placed_.facts().computes_on_cpu) session_.wait();
          placed_.next_pass();
          passes_.run();
        }
        session_.wait();
      },
      passes);
}

double CaseEvidence::driver_seconds(const std::vector<double>& since) const {
  const std::vector<double> now = driver_threads_.seconds();
  double sum = 0;
  for (std::size_t t = 0; t < since.size(); ++t) sum += now[t] - since[t];
  return sum;
}

/// CUPTI may not see what access counters move; the page tables show it.
void CaseEvidence::add_residency(PassSeries& series) const {
  const Observed<Residency> found = residency();
  if (!found.value || found.value->pages_asked == 0) return;
  series.on_gpu.push_back(static_cast<double>(found.value->not_on_cpu) /
                          static_cast<double>(found.value->pages_asked));
}

PassSeries CaseEvidence::series(std::size_t count) {
  const Range range("series");
  PassSeries series;
  std::set<std::tuple<std::size_t, std::size_t, std::size_t>> seen;
  placed_.rewind();
  const bool pages_move = placed_.item().policy->driver_handles_pages;
  for (std::size_t i = 0; i < count; ++i) {
    checkpoint_();
    const std::vector<double> before = driver_threads_.seconds();
    // Only the first pass begins at the case's start; the state it leaves is the next one's.
    series.seconds.push_back(passes_.timed_alone(i == 0 ? placed_.item().start : Start::warm));
    if (driver_threads_.available()) series.driver_seconds.push_back(driver_seconds(before));
    std::size_t distinct = 0;
    for (const Piece& piece : placed_.workload().pieces()) {
      const WeightTensor& tensor = placed_.item().weights->tensors[piece.tensor];
      const bool is_new = seen.emplace(piece.tensor, piece.first_row, piece.rows).second;
      if (is_new) distinct += piece.rows * tensor.row_bytes();
    }
    series.distinct_bytes.push_back(distinct);
    if (pages_move) add_residency(series);
  }
  return series;
}

}  // namespace offload
