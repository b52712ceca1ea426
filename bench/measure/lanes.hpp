// SPDX-License-Identifier: Apache-2.0
// What measures the GPUs of a run: a lane each, with a thread, a session and a loop of its own.
// With one GPU, or none, there is one lane, on the thread of whoever made it.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/measure/case_runner.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/session.hpp"
#include "bench/options.hpp"
#include "bench/record.hpp"
#include "offload/platform.hpp"

namespace offload {

/// All of it is used by the lane's own thread alone, while that is at work.
struct Lane {
  int number = 0;     // CUDA's, of its GPU
  Platform platform;  // with its share of the host
  std::vector<int> cpus;
  std::optional<Session> session;
  Calibration calibration;
  WallTime wall;
  std::optional<Loop> loop;
  std::optional<CaseRunner> runner;
};

class Lanes {
 public:
  /// One for each of `machines`, which describe one host with a GPU each; none has its thread or
  /// session before start(). With several, each has a part of the host's CPUs and memory.
  explicit Lanes(const std::vector<Platform>& machines);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /// Starts the threads, each near its GPU, and makes the sessions. `wall` receives where the time
  /// of run() goes; it must outlive the lanes.
  void start(const Options& options, WallTime& wall);

  std::size_t size() const { return lanes_.size(); }
  bool several() const { return size() > 1; }
  Lane& operator[](std::size_t index) { return *lanes_[index]; }
  const Lane& operator[](std::size_t index) const { return *lanes_[index]; }
  Lane& first() { return *lanes_.front(); }

  using Indices = std::vector<std::size_t>;
  Indices all() const;
  /// Runs `work` for each lane of `which` at the same time, each on its thread; returns when all
  /// are done. Throws what the first of them threw. The time of the first of `which` is the run's.
  void run(const Indices& which, const std::function<void(std::size_t index, Lane& lane)>& work);

 private:
  class Thread;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<Thread>> threads_;  // of all lanes but the first
  WallTime* wall_ = nullptr;
};

}  // namespace offload
