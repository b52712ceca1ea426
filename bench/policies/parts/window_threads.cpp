// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/window_threads.hpp"

#include <algorithm>
#include <utility>

namespace offload {

void WindowThreads::Progress::restart(std::size_t window) {
  next_ = ended_ = 0;
  is_ended_.assign(window, false);
}

void WindowThreads::Progress::end(std::size_t step) {
  is_ended_[step % is_ended_.size()] = true;
  while (ended_ < next_ && is_ended_[ended_ % is_ended_.size()]) {
    is_ended_[ended_ % is_ended_.size()] = false;
    ++ended_;
  }
}

WindowThreads::WindowThreads(std::size_t threads, std::size_t window, Actions actions)
    : window_(window), actions_(std::move(actions)) {
  brings_.restart(window_);
  drops_.restart(window_);
  try {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    end_threads();
    throw;
  }
}

WindowThreads::~WindowThreads() { end_threads(); }

void WindowThreads::end_threads() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WindowThreads::can_bring() const {
  const std::size_t units = dropped_by_.size();
  const std::size_t step = brings_.next();
  if (units == 0 || step >= drops_.ended() + window_) return false;
  if (step < units) return true;
  const std::size_t pass = step / units;
  return drops_.ended() > (pass - 1) * units + dropped_by_[step % units];
}

bool WindowThreads::filled() const {
  return drops_.ended() == read_ && brings_.idle() && !can_bring();
}

void WindowThreads::work() {
  std::unique_lock lock(mutex_, std::defer_lock);
  try {
    actions_.begin_thread();
    lock.lock();
    while (!ends_ && !failure_) {
      // What the link waits for comes first.
      const bool brings = goes_on_ && can_bring();
      if (!brings && !(goes_on_ && can_drop())) {
        changed_.wait(lock);
        continue;
      }
      Progress& progress = brings ? brings_ : drops_;
      const auto& action = brings ? actions_.bring : actions_.drop;
      const std::size_t step = progress.take();
      lock.unlock();
      action(step);
      lock.lock();
      progress.end(step);
      changed_.notify_all();
    }
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    if (!failure_) failure_ = std::current_exception();
    changed_.notify_all();
  }
}

template <typename Condition>
void WindowThreads::await(std::unique_lock<std::mutex>& lock, Condition condition) {
  changed_.wait(lock, [&] { return failure_ || condition(); });
  if (failure_) std::rethrow_exception(failure_);
}

void WindowThreads::start(std::vector<std::size_t> dropped_by) {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  dropped_by_ = std::move(dropped_by);
  brings_.restart(window_);
  drops_.restart(window_);
  read_ = 0;
  running_ = goes_on_ = true;
  changed_.notify_all();
}

void WindowThreads::await_brought(std::size_t step) {
  std::unique_lock lock(mutex_);
  await(lock, [this, step] { return brings_.ended() > step; });
}

void WindowThreads::note_read() {
  {
    const std::lock_guard lock(mutex_);
    ++read_;
  }
  changed_.notify_all();
}

void WindowThreads::await_filled() {
  std::unique_lock lock(mutex_);
  await(lock, [this] { return filled(); });
}

void WindowThreads::pause() {
  std::unique_lock lock(mutex_);
  running_ = goes_on_ = false;
  await(lock, [this] { return brings_.idle() && drops_.idle(); });
}

}  // namespace offload
