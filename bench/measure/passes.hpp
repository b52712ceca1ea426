// SPDX-License-Identifier: Apache-2.0
// Passes of the case in place: run, timed from a start, verified, captured as one graph.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>

#include "bench/measure/placed_case.hpp"
#include "bench/measure/session.hpp"
#include "bench/record.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {

/// Notified around a timed pass, with the machine idle.
class PassWatch {
 public:
  virtual void before_pass() = 0;
  virtual void after_pass() = 0;

 protected:
  ~PassWatch() = default;
};

/// When a pass begins: as soon as this GPU can, or when all that run it together can.
enum class Begin : std::uint8_t { alone, lined_up };

class Passes {
 public:
  /// All references must outlive this.
  Passes(Session& session, PlacedCase& placed, WallTime& wall)
      : session_(session), placed_(placed), wall_(wall) {}

  /// Put `item` in place; its passes are launched piece by piece until capture().
  void bind(const Case& item);
  /// One pass as the last one left the weights, launched but not awaited.
  void run() { run(PassEnd::joined); }
  /// Seconds of one pass from `start`, caches flushed. Where passes run on from one into the next,
  /// of one that follows another, which is the one to line up; but not of a watched one, which
  /// begins and ends with all idle.
  double timed(Start start, PassWatch* watch = nullptr, Begin begin = Begin::alone);
  /// The same of one pass by itself, which begins and ends joined in any case.
  double timed_alone(Start start, PassWatch* watch = nullptr);
  /// Throws ImplausibleResult when a pass from the case's start computes something wrong.
  void verify();
  /// The same of one more pass that is timed as samples are: from what earlier passes left, run on
  /// into, or as a graph, which this drops. `before_reading` is called between the pass and the
  /// check.
  void verify_timed(const std::function<void()>& before_reading = [] {});
  /// The whole pass as one graph, verified as one too. The pass before it must have loaded the
  /// kernels and chosen the algorithms, which cannot be done while capturing.
  void capture();
  bool captured() const { return graph_.has_value(); }
  void drop_graph() { graph_.reset(); }

  /// Of the pass timed last; the part before reading began only of workloads that report it.
  double last_seconds() const { return last_seconds_; }
  std::optional<double> setup_seconds() const { return setup_seconds_; }

 private:
  void run(PassEnd end);
  /// What comes ahead of a timed pass; how that pass is to end.
  PassEnd lead_in(Start start, Begin begin);
  bool begins_idle(Start start) const;
  double clocked(PassEnd end);
  void enqueue(PassEnd end) { placed_.enqueue(0, placed_.plan().pieces.size(), clock_, end); }
  void reset(Start start);
  void poison();
  void require_right();

  Session& session_;
  PlacedCase& placed_;
  WallTime& wall_;
  std::optional<cuda::Graph> graph_;
  SetupClock* clock_ = nullptr;  // while a pass is timed
  double last_seconds_ = 0;
  std::optional<double> setup_seconds_;
};

}  // namespace offload
