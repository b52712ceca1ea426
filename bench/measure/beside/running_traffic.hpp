// SPDX-License-Identifier: Apache-2.0
// Keeps traffic at work on a stream and a thread of its own, and says how much of it there was.
#pragma once
#include <atomic>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bench/measure/beside/traffic.hpp"
#include "bench/record.hpp"

namespace offload {

/// How much was done by when. Between two times the work went on evenly.
class ProgressOverTime {
 public:
  /// `seconds` and `bytes` never less than those of the last call.
  void add(double seconds, double bytes);
  /// Bytes done between two times; beyond what is known, nothing.
  double between(double from, double to) const;
  /// Forget what is older, but for what between() needs from there on.
  void forget_before(double seconds);
  /// The last time that is known; 0 without any.
  double newest() const { return points_.empty() ? 0 : points_.back().seconds; }

 private:
  struct Point {
    double seconds;
    double bytes;
  };
  double at(double seconds) const;
  std::vector<Point> points_;
};

class RunningTraffic {
 public:
  /// Makes it and starts it; returns once its rate is known with nothing else at work. Throws
  /// CudaError.
  RunningTraffic(Session& session, const TrafficKind& kind, const TrafficSettings& settings);
  /// Ends it, whatever of it failed.
  ~RunningTraffic();
  RunningTraffic(const RunningTraffic&) = delete;
  RunningTraffic& operator=(const RunningTraffic&) = delete;

  /// Of a pass that ended just now and took so long. Throws what the traffic failed by.
  void count_pass(double seconds);
  /// Nothing of it is at work any more.
  void stop() noexcept;
  /// Stops it and says what it reached while passes ran. Throws ImplausibleResult when it computed
  /// or copied something wrong, and what it failed by.
  CaseBeside end();

 private:
  void run();
  void enqueue_until_stopped(StreamHandle stream);
  double measure_alone();
  void rethrow_failure();
  void count(bool all);

  struct Window {
    double from;
    double to;
  };
  Session& session_;
  const TrafficKind& kind_;
  const TrafficSettings settings_;
  std::unique_ptr<Traffic> traffic_;
  CaseBeside found_;
  std::deque<Window> uncounted_;  // passes that ended within a unit
  double counted_bytes_ = 0;
  double counted_seconds_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<double> pause_{0};  // seconds after each unit; 0: as many as can be at once
  std::mutex mutex_;              // of the next two
  ProgressOverTime progress_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace offload
