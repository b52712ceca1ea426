// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/loop.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/measure/counters.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr double settling_seconds = 20e-3;
constexpr int max_settling_passes = 100;
constexpr double settling_seconds_cold = 0.3;
constexpr int max_settling_passes_cold = 3;
constexpr int max_watched_passes = 2;
// A pass that takes longer says enough by itself.
constexpr double long_pass_seconds = 5e-3;

// Rates are checked against nominal peaks, which real machines never reach; the margin only covers
// the clock.
constexpr double peak_margin = 1.01;
// Where the nominal peak is unknown, the calibrated rate stands in for it.
constexpr double calibration_margin = 1.1;
// Products have read host memory 1.3 times as fast as the calibration, which other tenants disturb.
constexpr double host_margin = 3;

/// Of what the CPU reads of weights that a pass reads whole, caches hold what fits; the rest comes
/// out of memory. (Reads of parts may ask for the same part again and again.)
void require_plausible_on_cpu(const PlacedCase& placed, double seconds, const Platform& platform,
                              const Calibration& calibration) {
  const auto cache = platform.host.last_level_cache_bytes;
  const std::size_t read = placed.plan().on_cpu;
  const bool whole = placed.workload().bytes().requested >= placed.item().weights->bytes();
  if (!cache || !whole || read <= *cache || calibration.host_read <= 0) return;
  const double rate = static_cast<double>(read - *cache) / seconds;
  const double most = calibration.host_read * host_margin;
  if (rate <= most) return;
  throw ImplausibleResult("implausible: the CPU read " + format_traffic(static_cast<double>(read)) +
                          " at " + format_rate(rate) + " beyond what its caches hold, above " +
                          format_rate(most) + ", " + times(host_margin) +
                          " what it was calibrated to read");
}

/// Throws ImplausibleResult when a pass took less time than its path allows.
void require_plausible(const PlacedCase& placed, double seconds, const Platform& platform,
                       const Calibration& calibration) {
  require_plausible_on_cpu(placed, seconds, platform, calibration);
  const Case& item = placed.item();
  const Path path = pages_may_move(*item.policy, platform)
                        ? Path::device_memory
                        : item.policy->path(item.start, platform);
  const auto max_rate = max_bytes_per_second(path, platform, calibration);
  const std::size_t requested = placed.workload().bytes().requested;
  std::size_t bytes = requested;
  if (path == Path::link) bytes = placed.facts().link_bytes.value_or(requested);
  if (path == Path::one_memory) bytes -= std::min(requested, placed.plan().on_cpu);
  const double rate = static_cast<double>(bytes) / seconds;
  if (max_rate && rate > *max_rate) {
    throw ImplausibleResult("implausible: " + format_rate(rate) + " is above the " +
                            format_rate(*max_rate) + " its path can carry");
  }
}

/// Throws ImplausibleResult when host memory does not lie on the node it was asked from.
void require_placed(const Placement& placement, const Platform& platform) {
  if (!platform.host.bound_node) return;
  const int node = *platform.host.bound_node;
  const auto ranges = placement.host_ranges();
  const bool has_pages = std::ranges::any_of(
      ranges, [&](const auto& range) { return range.size() >= 2 * platform.host.page_bytes; });
  if (!has_pages) return;
  const Observed<Residency> found = find_residency(ranges, gpu_nodes(platform));
  if (found.state == EvidenceState::unavailable) {
    throw ImplausibleResult("where host memory lies cannot be verified: " + found.reason);
  }
  if (!found.value) return;
  for (const auto& [id, pages] : found.value->on_node) {
    if (id == node) continue;
    throw ImplausibleResult("placed wrongly: " + std::to_string(pages) + " of " +
                            std::to_string(found.value->pages_asked) + " pages lie on node " +
                            std::to_string(id) + ", not on node " + std::to_string(node) +
                            ", which --host-numa asks for");
  }
}

}  // namespace

std::optional<double> max_bytes_per_second(Path path, const Platform& platform,
                                           const Calibration& calibration) {
  const auto capped = [](std::optional<double> nominal,
                         std::optional<double> measured) -> std::optional<double> {
    if (nominal) return *nominal * peak_margin;
    if (measured) return *measured * calibration_margin;
    return std::nullopt;
  };
  switch (path) {
    case Path::device_memory:
      return capped(platform.gpu ? platform.gpu->hbm_peak_bytes_per_second : std::nullopt,
                    calibration.device_read);
    case Path::link:
      return capped(platform.link ? platform.link->peak_bytes_per_second : std::nullopt,
                    calibration.copy_h2d);
    case Path::one_memory:  // its clock is not known, and copies within it are slower than reads
      if (const auto roof = memory_roof(platform, calibration)) {
        return capped(std::nullopt, roof->bytes_per_second);
      }
      break;
    case Path::peer:  // which of its links there are is not known
      if (calibration.peer_copy || calibration.sm_read_peer) {
        return capped(std::nullopt, std::max(calibration.peer_copy.value_or(0),
                                             calibration.sm_read_peer.value_or(0)));
      }
      break;
    case Path::host_memory:
      break;  // require_plausible_on_cpu() bounds what caches cannot hold
  }
  return std::nullopt;
}

Loop::Loop(Session& session, const Calibration& calibration, WallTime& wall, LoopOptions options)
    : options_(std::move(options)),
      session_(session),
      calibration_(calibration),
      wall_(wall),
      placed_(session, options_.seed, wall, options_.checkpoint),
      passes_(session, placed_, wall),
      evidence_(session, placed_, passes_, options_.checkpoint),
      counted_(session, placed_, passes_, evidence_.gpu_counters(), options_.checkpoint) {}

// What counters show beside other GPUs at work is not this one's alone.
bool Loop::watches() const { return options_.watch && placed_.item().undisturbed(); }

/// The best of what the placement has to try, by passes nobody counts.
void Loop::tune() {
  const Range range("tune");
  while (placed_.placement().tuning()) {
    options_.checkpoint();
    placed_.adopt(placed_.placement().retune(session_.agree(passes_.timed(placed_.item().start))));
  }
}

// After the pause of placing and filling, the first passes over the link take up to four times
// as long (1 MiB on an H200), and first passes from cold some percent longer than later ones: a
// case settles before it is sampled. These passes start as the samples do and no sample comes of
// them, so counters are read around the first of them.
double Loop::settle() {
  evidence_.begin_case(watches());
  const Start start = placed_.item().start;
  const bool cold = start == Start::cold;
  const int max_passes = cold ? max_settling_passes_cold : max_settling_passes;
  const double enough = cold ? settling_seconds_cold : settling_seconds;
  const int watched_passes = cold ? 1 : max_watched_passes;
  // Filling left weights in the CPU's caches, and reads over the link do not bring them back there.
  if (!placed_.facts().cpu_reads_weights) session_.flush_host_cache();
  double last = 0;
  double sum = 0;
  for (int i = 0; i < max_passes && sum < enough; ++i) {
    options_.checkpoint();
    const bool watch = watches() && i < watched_passes && last < long_pass_seconds;
    last = session_.agree(passes_.timed(start, watch ? &evidence_ : nullptr));
    sum += last;
  }
  return last;
}

PreparedCase Loop::prepare(const Case& item) {
  traffic_.reset();
  passes_.bind(item);
  session_.agree(0);  // nobody passes where another could not place its weights
  options_.checkpoint();
  PreparedCase prepared;
  prepared.bytes = placed_.workload().bytes();
  prepared.steps = placed_.workload().steps();
  prepared.footprint = placed_.placement().footprint();
  prepared.huge_pages = placed_.huge_pages();
  tune();
  const Path path = item.policy->path(item.start, session_.platform());
  prepared.cpu_bytes = placed_.plan().on_cpu;
  {
    const ScopedTimer timer(wall_.content);
    passes_.verify();
  }
  require_placed(placed_.placement(), session_.platform());
  if (path == Path::link) prepared.link_bytes = placed_.facts().link_bytes;
  options_.checkpoint();
  const bool one_graph = options_.graphs && session_.gpu() && !item.workload->varies();
  if (one_graph && item.policy->capturable()) passes_.capture();
  prepared.captured = passes_.captured();
  if (!item.beside.empty()) {
    session_.wait();
    traffic_.emplace(session_, find_traffic(item.beside), options_.traffic);
  }
  const double pass = settle();
  passes_per_sample_ =
      offload::passes_per_sample(pass, item.start, placed_.facts().cpu_reads_weights);
  prepared.passes_per_sample = passes_per_sample_;
  if (watches()) {
    const ScopedTimer timer(wall_.evidence);
    evidence_.begin_samples();
  }
  return prepared;
}

void Loop::resume(const Case& item) {
  if (!placed_.holds(item)) {
    throw std::logic_error("resume: " + item.name() + " was not prepared under this placement");
  }
  traffic_.reset();
  passes_.bind(item);
}

double Loop::pass() {
  options_.checkpoint();
  const double seconds = passes_.timed(placed_.item().start, nullptr, Begin::lined_up);
  if (traffic_) traffic_->count_pass(seconds);
  return seconds;
}

double Loop::sample() {
  const Range range("sample");
  double sum = 0;
  double setup = 0;
  bool has_setup = true;
  for (std::size_t i = 0; i < passes_per_sample_; ++i) {
    sum += pass();
    has_setup = has_setup && passes_.setup_seconds();
    setup += passes_.setup_seconds().value_or(0);
  }
  const double passes = static_cast<double>(passes_per_sample_);
  const double seconds = sum / passes;
  setup_seconds_ = has_setup ? std::optional(setup / passes) : std::nullopt;
  placed_.require_intact();
  require_plausible(placed_, seconds, session_.platform(), calibration_);
  return seconds;
}

// A copy engine stays with the stream that keeps it busy: behind traffic that leaves for the host, the
// few bytes of a result have waited for seconds.
void Loop::verify() {
  passes_.verify_timed([this] {
    if (traffic_) traffic_->stop();
  });
}

CaseBeside Loop::end_traffic() {
  CaseBeside found = traffic_.value().end();
  traffic_.reset();
  return found;
}

void Loop::clear() noexcept {
  traffic_.reset();
  passes_.drop_graph();
  placed_.clear();
  counted_.stop();
}

}  // namespace offload
