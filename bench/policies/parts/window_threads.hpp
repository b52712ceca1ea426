// SPDX-License-Identifier: Apache-2.0
// Threads that keep a window filled ahead of a reader and emptied behind it. The driver's calls for
// managed memory keep their caller busy for as long as it takes to update page tables, and some
// wait for what the GPU reads: the thread that launches kernels must not make them.
//
// Units go round: a step is one unit of one pass, so step i is of unit i % units. A step is brought
// in as soon as the window has room for it, be it of this pass or of the next: a pass begins with
// its first units in place and pays for those of the next, as in an engine that never stops.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace offload {

class WindowThreads {
 public:
  /// What the threads do. `drop` may wait until the step has been read.
  struct Actions {
    std::function<void()> begin_thread;
    std::function<void(std::size_t step)> bring;
    std::function<void(std::size_t step)> drop;
  };

  /// `window`: steps that are in it at most, from the call of `bring` to the end of `drop`.
  WindowThreads(std::size_t threads, std::size_t window, Actions actions);
  /// Ends the threads, each when what it does at the moment is done.
  ~WindowThreads();
  WindowThreads(const WindowThreads&) = delete;
  WindowThreads& operator=(const WindowThreads&) = delete;

  /// Begin with step 0 of these units; `dropped_by` says of each unit which one must have been
  /// dropped before the next pass can bring it.
  void start(std::vector<std::size_t> dropped_by);
  /// Returns when `step` has been brought.
  void await_brought(std::size_t step);
  /// The next step has been read, or will have been when `drop` has waited for it.
  void note_read();
  /// Returns when all that was read has been dropped and the window is filled again.
  void await_filled();
  /// Returns when nothing is brought or dropped any more, until start().
  void pause();
  bool running() const { return running_; }

  // Each of these throws what an action threw; nothing goes on after that.

 private:
  /// Steps that are taken on in order and end in any.
  class Progress {
   public:
    void restart(std::size_t window);
    std::size_t next() const { return next_; }
    /// All before this one have ended.
    std::size_t ended() const { return ended_; }
    std::size_t take() { return next_++; }
    void end(std::size_t step);
    bool idle() const { return ended_ == next_; }

   private:
    std::size_t next_ = 0;
    std::size_t ended_ = 0;
    std::vector<bool> is_ended_;  // by step % window
  };

  void work();
  void end_threads();
  bool can_bring() const;
  bool can_drop() const { return drops_.next() < read_; }
  bool filled() const;
  template <typename Condition>
  void await(std::unique_lock<std::mutex>& lock, Condition condition);

  std::size_t window_;
  Actions actions_;
  bool running_ = false;  // of the reader's thread alone

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> dropped_by_;
  Progress brings_;
  Progress drops_;
  std::size_t read_ = 0;
  bool goes_on_ = false;
  bool ends_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace offload
