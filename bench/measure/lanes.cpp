// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/lanes.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "bench/core/cpus.hpp"
#include "bench/platform/host_node.hpp"
#include "bench/platform/machine_shares.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {

/// Does one thing after the other, as it is told.
class Lanes::Thread {
 public:
  Thread() : thread_([this] { work(); }) {}
  ~Thread() {
    give({});
    thread_.join();
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  /// Nothing ends the thread.
  void give(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      task_ = std::move(task);
      busy_ = true;
    }
    changed_.notify_all();
  }
  /// Throws what the task threw.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return busy_; });
      const std::function<void()> task = std::exchange(task_, {});
      lock.unlock();
      if (!task) return;
      std::exception_ptr failure;
      try {
        task();
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      failure_ = failure;
      busy_ = false;
      lock.unlock();
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  std::exception_ptr failure_;
  bool busy_ = false;
  std::thread thread_;
};

namespace {

/// Makes this thread the lane's: what it allocates and starts is near its GPU.
void move_here(const Lane& lane) {
  if (lane.platform.gpu) cuda::set_device(lane.platform.gpu->index);
  move_to_host_node(lane.platform, node_calls());
  // A refusal costs speed, not correctness.
  static_cast<void>(host::run_on(lane.cpus));
}

/// Host threads of one of several lanes; 0: as many as it may use.
std::size_t host_threads(const Options& options, const Lane& lane, std::size_t lanes) {
  if (lanes == 1) return options.threads;
  if (options.threads > 0) return std::max<std::size_t>(1, options.threads / lanes);
  auto quota = host::cgroup_cpu_quota();
  if (quota) *quota /= static_cast<double>(lanes);
  return host::thread_count(lane.cpus.size(), quota);
}

/// `all` grown by what `now` has beyond `before`.
void add(WallTime& all, const WallTime& before, const WallTime& now) {
  all.measured += now.measured - before.measured;
  all.allocation += now.allocation - before.allocation;
  all.content += now.content - before.content;
  all.reset += now.reset - before.reset;
  all.evidence += now.evidence - before.evidence;
}

}  // namespace

Lanes::Lanes(const std::vector<Platform>& machines) {
  for (MachineShare& share : divide_host(machines, host::affinity_cpus())) {
    lanes_.push_back(std::make_unique<Lane>());
    if (share.machine.gpu) lanes_.back()->number = share.machine.gpu->index;
    lanes_.back()->platform = std::move(share.machine);
    lanes_.back()->cpus = std::move(share.cpus);
  }
}

Lanes::~Lanes() {
  // What a lane holds goes where it was made.
  const auto drop = [](std::size_t, Lane& lane) {
    lane.runner.reset();
    lane.loop.reset();
    lane.session.reset();
  };
  try {
    if (threads_.size() + 1 == size()) run(all(), drop);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): nobody is left to be told
  }
}

void Lanes::start(const Options& options, WallTime& wall) {
  wall_ = &wall;
  try {
    for (std::size_t i = 1; i < size(); ++i) threads_.push_back(std::make_unique<Thread>());
  } catch (const std::system_error& error) {
    throw std::runtime_error("cannot start a thread for each GPU: " + error.code().message());
  }
  run(all(), [&](std::size_t, Lane& lane) {
    if (several()) {
      move_here(lane);
    } else {
      move_to_host_node(lane.platform, node_calls());
    }
    lane.session.emplace(lane.platform, host_threads(options, lane, size()), options.host_pages);
    lane.session->set_tuning(options.tuning);
  });
}

Lanes::Indices Lanes::all() const {
  Indices indices(size());
  for (std::size_t i = 0; i < size(); ++i) indices[i] = i;
  return indices;
}

void Lanes::run(const Indices& which,
                const std::function<void(std::size_t index, Lane& lane)>& work) {
  Lane& timed = *lanes_[which.front()];
  const WallTime before = timed.wall;
  for (const std::size_t index : which) {
    if (index > 0) threads_[index - 1]->give([&, index] { work(index, *lanes_[index]); });
  }
  std::exception_ptr failure;
  const auto note = [&failure](const auto& step) {
    try {
      step();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  };
  // Every thread is waited for, whatever the others met: they use what the caller lent.
  for (const std::size_t index : which) {
    note([&] { index == 0 ? work(index, *lanes_[index]) : threads_[index - 1]->wait(); });
  }
  if (wall_ != nullptr) add(*wall_, before, timed.wall);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace offload
