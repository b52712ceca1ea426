// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/passes.hpp"

#include "bench/measure/ranges.hpp"
#include "bench/measure/wall_clock.hpp"
#include "offload/error.hpp"

namespace offload {

void Passes::bind(const Case& item) {
  drop_graph();
  placed_.bind(item);
}

void Passes::run(PassEnd end) {
  if (graph_) {
    graph_->launch(session_.stream());
  } else {
    enqueue(end);
  }
  if (placed_.facts().computes_on_cpu) session_.workers().join();
}

void Passes::reset(Start start) {
  const Range range("reset");
  const ScopedTimer timer(wall_.reset);
  placed_.next_pass();
  placed_.placement().reset(start, session_.stream());
  if (placed_.facts().cpu_reads_weights) session_.flush_host_cache();
  if (!session_.gpu()) return;
  session_.flush_device_cache();
  // Warm and steady GPU passes are enqueued while the flush still runs, as an engine enqueues
  // ahead: launch latency is hidden. A cold pass, or one the CPU computes, starts from idle.
  if (begins_idle(start)) cuda::stream_synchronize(session_.stream());
}

bool Passes::begins_idle(Start start) const {
  return start == Start::cold || placed_.facts().computes_on_cpu;
}

double Passes::timed(Start start, PassWatch* watch, Begin begin) {
  if (watch != nullptr) return timed_alone(start, watch);
  const PassEnd end = lead_in(start, begin);
  const double seconds = clocked(end);
  if (end == PassEnd::open) placed_.placement().finish(session_.stream());
  return seconds;
}

PassEnd Passes::lead_in(Start start, Begin begin) {
  reset(start);
  const bool runs_on = !graph_ && placed_.placement().runs_on();
  if (runs_on) placed_.placement().drop_head_start(session_.stream());
  if (begin == Begin::lined_up) session_.line_up(begins_idle(start));
  if (!runs_on) return PassEnd::joined;
  // One pass leads in; without a head start it leaves to the next what that leaves to one more.
  // (Lined up behind it, a GPU that waits would bring the next pass's weights meanwhile.)
  run(PassEnd::open);
  return PassEnd::open;
}

double Passes::timed_alone(Start start, PassWatch* watch) {
  reset(start);
  if (watch != nullptr) {
    session_.wait();
    const ScopedTimer timer(wall_.evidence);
    watch->before_pass();
  }
  const double seconds = clocked(PassEnd::joined);
  if (watch != nullptr) {
    const ScopedTimer timer(wall_.evidence);
    watch->after_pass();
  }
  return seconds;
}

double Passes::clocked(PassEnd end) {
  PassTimer& timer = session_.timer();
  clock_ = &timer;
  timer.begin(session_.stream());
  run(end);
  last_seconds_ = timer.end(session_.stream());
  clock_ = nullptr;
  setup_seconds_ = timer.setup_seconds();
  wall_.measured += last_seconds_;
  return last_seconds_;
}

void Passes::verify() {
  const Range range("verify");
  const Start start = placed_.item().start;
  placed_.placement().reset(start, session_.stream());
  if (start == Start::warm) {
    run();
    session_.wait();
  }
  placed_.workload().poison(session_.target());
  run();
  session_.wait();
  require_right();
}

void Passes::verify_timed(const std::function<void()>& before_reading) {
  const Range range("verify");
  const bool as_graph = captured();
  const PassEnd end = lead_in(placed_.item().start, Begin::alone);
  poison();
  // Only what is launched between poison and check keeps what the check needs.
  if (as_graph) graph_.emplace(session_.stream(), [this] { enqueue(PassEnd::joined); });
  clocked(end);
  if (end == PassEnd::open) placed_.placement().finish(session_.stream());
  session_.wait();
  before_reading();
  drop_graph();
  const ScopedTimer timer(wall_.content);
  require_right();
}

void Passes::poison() {
  const ScopedTimer timer(wall_.content);
  placed_.workload().poison(session_.target());
}

void Passes::require_right() {
  placed_.require_intact();
  if (const auto wrong = placed_.workload().check(session_.target())) {
    throw ImplausibleResult("wrong result: " + *wrong);
  }
}

void Passes::capture() {
  const Range range("capture");
  placed_.workload().poison(session_.target());
  graph_.emplace(session_.stream(), [this] { enqueue(PassEnd::joined); });
  run();
  session_.wait();
  require_right();
  graph_.emplace(session_.stream(), [this] { enqueue(PassEnd::joined); });
}

}  // namespace offload
