// SPDX-License-Identifier: Apache-2.0
// The threads that compute on the CPU: one per core this process may run on.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

namespace offload {

class HostWorkers {
 public:
  /// `threads` == 0: as many as the process may run on (affinity mask and cgroup quota). Each is
  /// pinned to one CPU, unless a quota leaves fewer threads than CPUs.
  explicit HostWorkers(std::size_t threads = 0);
  ~HostWorkers();
  HostWorkers(const HostWorkers&) = delete;
  HostWorkers& operator=(const HostWorkers&) = delete;

  std::size_t size() const;

  /// Runs on [begin, end) of items. Must not throw: an exception ends the process, as in any
  /// std::thread. Must not join().
  using Task = std::function<void(std::size_t begin, std::size_t end)>;

  /// Enqueue `task` over [0, items), split into contiguous ranges of whole grains of `grain` items,
  /// several for each thread. Returns at once; tasks run in the order enqueued, one after the
  /// other.
  void enqueue(std::size_t items, std::size_t grain, Task task);
  /// Returns when everything enqueued has run.
  void join();
  /// enqueue, then join.
  void run(std::size_t items, std::size_t grain, Task task);

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace offload
