// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/loop.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/ranges.hpp"
#include "bench/measure/sampling.hpp"
#include "bench/measure/wall_clock.hpp"
#include "bench/policies/partly_resident.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr double settling_seconds = 20e-3;
constexpr int max_settling_passes = 100;
constexpr int max_watched_passes = 2;
// A pass that takes longer says enough by itself.
constexpr double long_pass_seconds = 5e-3;

// Rates are checked against nominal peaks, which real machines never reach; the margin only covers
// the clock.
constexpr double peak_margin = 1.01;
// Where the nominal peak is unknown, the calibrated rate stands in for it.
constexpr double calibration_margin = 1.1;

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
    case Path::host_memory:
      break;  // a CPU's caches are not ours to bound
  }
  return std::nullopt;
}

}  // namespace

Loop::Loop(Session& session, const Calibration& calibration, std::uint64_t seed, WallTime& wall)
    : session_(session),
      calibration_(calibration),
      seed_(seed),
      wall_(wall),
      gpu_counters_(session.gpu() ? session.platform().gpu->pci_bus_id : ""),
      energy_meter_([this] { return gpu_counters_.joules(); },
                    [watch = Stopwatch()] { return watch.seconds(); }) {}

bool Loop::is_placed(const Case& item) const {
  return item.weights == item_.weights && item.policy == placed_policy_;
}

void Loop::bind(const Case& item) {
  const bool same_weights = item.weights == item_.weights;
  const bool same_policy = is_placed(item);
  item_ = item;
  if (!same_policy) {
    placement_.reset();
    placed_policy_ = nullptr;
    placed_content_.reset();
  }
  if (!same_weights) {
    bound_workloads_.clear();
    masters_.clear();
    session_.host_buffers().trim();
  }

  const Content content = item.workload->content();
  make_content(content);
  checkpoint();
  if (!placement_) {
    const Range range("place");
    const ScopedTimer timer(wall_.allocation);
    make_room();
    placement_ = place_weights(*item.policy, item.weights->tensors, session_.place_context());
    placed_policy_ = item.policy;
  }
  if (placed_content_ != content) {
    const Range range("fill");
    const ScopedTimer timer(wall_.content);
    const auto tensors = masters_.at(content).tensors();
    for (std::size_t i = 0; i < tensors.size(); ++i) placement_->fill(i, tensors[i].bytes);
    placed_content_ = content;
  }
  graph_.reset();
  pass_index_ = 0;
  if (item_.workload->varies()) bound_workload_->select_pass(0);
  adopt(placement_->plan(bound_workload_->pieces(), item.workload->runs_on_cpu()));
  // Pageable memory is read by the CPU even where the GPU computes: to stage it for the copy.
  cpu_reads_weights_ = computes_on_cpu_ || placement_->footprint().pageable > 0;
}

// Idle buffers are kept for the next policy only while there is memory for them too.
void Loop::make_room() const {
  const Footprint needed = memory_needed(*item_.policy, *item_.weights, session_.tuning());
  const std::size_t wanted = needed.pinned + needed.managed + needed.pageable;
  const std::size_t idle = session_.host_buffers().idle_bytes();
  const std::size_t masters = masters_.size() * master_copy_bytes(*item_.weights);
  if (idle + masters + wanted > host_memory_limit(session_.platform().host)) {
    session_.host_buffers().trim();
  }
}

void Loop::make_content(Content content) {
  const double allocated_before = session_.host_buffers().allocation_seconds();
  {
    const ScopedTimer timer(wall_.content);
    auto master = masters_.find(content);
    if (master == masters_.end()) {
      master = masters_
                   .emplace(std::piecewise_construct, std::forward_as_tuple(content),
                            std::forward_as_tuple(*item_.weights, content, seed_, session_))
                   .first;
    }
    auto& reading = bound_workloads_[item_.workload];
    if (!reading) {
      reading = item_.workload->bind(*item_.weights, master->second.tensors(), session_.workers(),
                                     session_.gpu());
    }
    bound_workload_ = reading.get();
  }
  // What went into allocating the master copy is allocation, not content.
  const double allocated = session_.host_buffers().allocation_seconds() - allocated_before;
  wall_.content -= allocated;
  wall_.allocation += allocated;
}

/// Bytes that cross the link are what kernels read of the weights that are not resident, unless the
/// policy decides.
void Loop::adopt(PassPlan plan) {
  plan_ = std::move(plan);
  std::size_t resident = 0;
  for (const Piece& piece : plan_.pieces) {
    const WeightTensor& tensor = item_.weights->tensors[piece.tensor];
    if (tensor.resident) resident += piece.rows * tensor.row_bytes();
  }
  const std::size_t offloaded = bound_workload_->bytes().requested - resident;
  link_bytes_ = plan_.copied.value_or(offloaded - std::min(offloaded, plan_.on_cpu));
  computes_on_gpu_ = plan_.on_cpu < offloaded + resident;
  computes_on_cpu_ = plan_.on_cpu > 0;
}

void Loop::next_pass() {
  if (!item_.workload->varies()) return;
  bound_workload_->select_pass(pass_index_++);
  adopt(placement_->replan(bound_workload_->pieces(), item_.workload->runs_on_cpu()));
}

/// The best of what the placement has to try, by passes nobody counts.
void Loop::tune() {
  const Range range("tune");
  while (placement_->tuning()) {
    checkpoint();
    adopt(placement_->retune(timed_pass(item_.start)));
  }
}

/// GPU and CPU take turns, as in a model whose layers depend on one another: the next tensor begins
/// when the last is complete on both sides, and activations cross the link.
void Loop::hand_over(const Piece& from, const PieceView& to) {
  session_.workers().join();
  bound_workload_->hand_over(from.tensor, to.piece.tensor, session_.target());
  if (to.side == Side::cpu) cuda::stream_synchronize(session_.stream());
}

void Loop::enqueue(std::size_t first, std::size_t last) {
  LaunchTarget target = session_.target();
  target.clock = clock_;
  const Piece* previous = nullptr;
  bool cpu_had_part = false;  // of the previous piece's tensor
  for (std::size_t i = first; i < last; ++i) {
    const Piece& piece = plan_.pieces[i];
    const PieceView view = placement_->acquire(i, target.stream);
    const bool on_cpu = view.side == Side::cpu;
    if (previous != nullptr && previous->tensor != piece.tensor) {
      if (computes_on_gpu_ && (on_cpu || cpu_had_part)) hand_over(*previous, view);
      cpu_had_part = false;
    }
    if (on_cpu) computes_on_cpu_ = cpu_reads_weights_ = cpu_had_part = true;
    bound_workload_->launch(view, target);
    placement_->release(i, target.stream);
    previous = &piece;
  }
}

void Loop::enqueue_pass() {
  enqueue(0, plan_.pieces.size());
  placement_->finish(session_.stream());
}

void Loop::run_pass() {
  if (graph_) {
    graph_->launch(session_.stream());
  } else {
    enqueue_pass();
  }
  if (computes_on_cpu_) session_.workers().join();
}

double Loop::timed_pass(Start start, PassMeans* watched) {
  {
    const Range range("reset");
    const ScopedTimer timer(wall_.reset);
    next_pass();
    placement_->reset(start, session_.stream());
    if (cpu_reads_weights_) session_.flush_host_cache();
    if (session_.gpu()) session_.flush_device_cache();
    // Warm and steady GPU passes are enqueued while the flush still runs, as an engine enqueues
    // ahead: launch latency is hidden. A cold pass, or one the CPU computes, starts from idle.
    if (session_.gpu() && (start == Start::cold || computes_on_cpu_)) {
      cuda::stream_synchronize(session_.stream());
    }
  }
  Moment before;
  if (watched != nullptr) {
    session_.wait();
    const ScopedTimer timer(wall_.evidence);
    before = moment_before(driver_threads_, gpu_counters_);
  }
  PassTimer& timer = session_.timer();
  clock_ = &timer;
  timer.begin(session_.stream());
  run_pass();
  const double seconds = timer.end(session_.stream());
  clock_ = nullptr;
  if (watched != nullptr) {
    const ScopedTimer timer(wall_.evidence);
    watched->add(before, moment_after(driver_threads_, gpu_counters_));
  }
  setup_seconds_ = timer.setup_seconds();
  last_pass_seconds_ = seconds;
  wall_.measured += seconds;
  return seconds;
}

void Loop::verify() {
  const Range range("verify");
  placement_->reset(item_.start, session_.stream());
  if (item_.start == Start::warm) {
    run_pass();
    session_.wait();
  }
  bound_workload_->poison(session_.target());
  run_pass();
  session_.wait();
  require_right();
}

void Loop::require_right() {
  if (const auto wrong = bound_workload_->check(session_.target())) {
    throw ImplausibleResult("wrong result: " + *wrong);
  }
}

void Loop::require_plausible(double seconds) const {
  const Path path = item_.policy->path(item_.start, session_.platform());
  const auto most = max_bytes_per_second(path, session_.platform(), calibration_);
  const std::size_t bytes = path == Path::link ? link_bytes_ : bound_workload_->bytes().requested;
  const double rate = static_cast<double>(bytes) / seconds;
  if (most && rate > *most) {
    throw ImplausibleResult("implausible: " + format_rate(rate) + " is above the " +
                            format_rate(*most) + " its path can carry");
  }
}

CaseRecord describe(const Case& item, const Platform& platform) {
  CaseRecord record;
  record.name = item.name();
  record.workload = item.workload->name();
  record.label = item.workload->label();
  record.policy = item.policy->name();
  record.start = name(item.start);
  record.weights = *item.weights;
  record.memory = item.policy->memory();
  record.mechanism = item.policy->mechanism();
  record.engine_flags = item.policy->engine_flags();
  record.path = item.policy->path(item.start, platform);
  record.tokens = item.workload->tokens();
  record.migrates = migrates(*item.policy, platform);
  return record;
}

// After the pause of placing and filling, the first passes over the link take up to four times
// as long (1 MiB on an H200): what is not cold settles before it is sampled. These passes start as
// the samples do and no sample comes of them, so counters are read around the first of them.
double Loop::settle() {
  watched_.reset();
  if (watches_) watched_.emplace(!item_.policy->driver_handles_pages());
  const int most = item_.start == Start::cold ? 1 : max_settling_passes;
  double last = 0;
  double sum = 0;
  for (int i = 0; i < most && sum < settling_seconds; ++i) {
    checkpoint();
    const bool watch = watches_ && i < max_watched_passes && last < long_pass_seconds;
    last = timed_pass(item_.start, watch ? &*watched_ : nullptr);
    sum += last;
  }
  return last;
}

/// The whole pass as one graph, verified as one too. The pass before it has loaded the kernels and
/// chosen the algorithms, which cannot be done while capturing.
void Loop::capture() {
  if (!use_graphs_ || !session_.gpu() || !item_.policy->capturable()) return;
  if (item_.workload->varies()) return;
  const Range range("capture");
  bound_workload_->poison(session_.target());
  graph_.emplace(session_.stream(), [this] { enqueue_pass(); });
  run_pass();
  session_.wait();
  require_right();
  graph_.emplace(session_.stream(), [this] { enqueue_pass(); });
}

CaseRecord Loop::prepare(const Case& item) {
  computes_on_cpu_ = computes_on_gpu_ = false;
  bind(item);
  checkpoint();
  CaseRecord record = describe(item, session_.platform());
  record.bytes = bound_workload_->bytes();
  record.steps = bound_workload_->steps();
  record.footprint = placement_->footprint();
  tune();
  record.link_bytes = record.path == Path::link ? link_bytes_ : 0;
  record.cpu_bytes = plan_.on_cpu;
  {
    const ScopedTimer timer(wall_.content);
    verify();
  }
  checkpoint();
  capture();
  record.captured = graph_.has_value();

  state_before_ = {};
  if (watches_) gpu_counters_.note_before(state_before_);
  passes_per_sample_ = offload::passes_per_sample(settle(), item.start, cpu_reads_weights_);
  record.passes_per_sample = passes_per_sample_;
  return record;
}

void Loop::resume(const Case& item) {
  if (!is_placed(item) || item.workload->content() != placed_content_) {
    throw std::logic_error("resume: " + item.name() + " was not prepared under this placement");
  }
  bind(item);
}

double Loop::pass() {
  checkpoint();
  return timed_pass(item_.start);
}

double Loop::sample() {
  const Range range("sample");
  double sum = 0;
  double setup = 0;
  bool has_setup = true;
  for (std::size_t i = 0; i < passes_per_sample_; ++i) {
    sum += pass();
    has_setup = has_setup && setup_seconds_;
    setup += setup_seconds_.value_or(0);
  }
  const double passes = static_cast<double>(passes_per_sample_);
  const double seconds = sum / passes;
  setup_seconds_ = has_setup ? std::optional(setup / passes) : std::nullopt;
  require_plausible(seconds);
  return seconds;
}

void Loop::clear() noexcept {
  item_ = {};
  graph_.reset();
  bound_workload_ = nullptr;
  placement_.reset();
  placed_policy_ = nullptr;
  bound_workloads_.clear();
  masters_.clear();
  session_.host_buffers().trim();
  um_.stop();
}

}  // namespace offload
