// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "bench/core/cpus.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

/// Whoever joins spins through a short piece; for a long one it leaves its CPU to the workers.
constexpr std::chrono::microseconds spin_of_join{30};
/// Workers spin from piece to piece of a pass, hand-overs to the GPU between them included, and
/// from the flush of the caches to the pass that follows: else every small piece would begin with
/// waking threads. Short enough that an idle pool takes no CPU time from whatever runs next.
constexpr std::chrono::microseconds spin_of_workers{300};

/// Returns once `word` differs from `seen`. Spins a little first, because waking a blocked thread
/// takes tens of microseconds; yields while it does, because the thread it waits for may need
/// this very CPU.
std::uint32_t wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t seen,
                              std::chrono::microseconds spin) {
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration spent{};
  do {
    const auto value = word.load(std::memory_order_acquire);
    if (value != seen) return value;
    std::this_thread::yield();
    spent = std::chrono::steady_clock::now() - begin;
    // A clock that has been seen to go backwards, under some hypervisors, is not waited for.
  } while (spent >= spent.zero() && spent < spin);
  word.wait(seen, std::memory_order_acquire);
  return word.load(std::memory_order_acquire);
}

struct Job {
  std::size_t items = 0;
  std::size_t grain = 1;
  HostWorkers::Task task;
};

/// A worker's share of a job is taken chunk by chunk, first by itself, then by those that have done
/// theirs: one core that the machine gives to somebody else for a while does not hold up the rest.
constexpr std::size_t chunks_per_share = 8;

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Part `index` of `count` of `whole`.
Range part(Range whole, std::size_t index, std::size_t count) {
  const std::size_t size = whole.end - whole.begin;
  const auto bound = [&](std::size_t i) {
    return whole.begin + size / count * i + size % count * i / count;
  };
  return {bound(index), bound(index + 1)};
}

/// Chunk `chunk` of the share that worker `owner` of `count` has of a job's items, in whole grains:
/// the same for every pass, so that a worker finds in its cache and its NUMA node what it touched.
Range chunk_of(const Job& job, std::size_t owner, std::size_t count, std::size_t chunk) {
  const std::size_t grains = job.items / job.grain + (job.items % job.grain != 0 ? 1 : 0);
  const Range range = part(part({0, grains}, owner, count), chunk, chunks_per_share);
  const auto items = [&](std::size_t grain) {
    return grain >= grains ? job.items : grain * job.grain;
  };
  return {items(range.begin), items(range.end)};
}

/// Chunks taken so far of one worker's share of the job with this number; alone in its cache line.
/// Both in one word, so that nobody takes a chunk of a job other than the one it knows.
struct alignas(64) Taken {
  std::atomic<std::uint64_t> of_job{0};
};

constexpr unsigned job_shift = 32;

std::uint64_t none_taken(std::uint32_t job) { return std::uint64_t{job} << job_shift; }

/// The next chunk of job number `job`, if one is left and the job still runs.
std::optional<std::size_t> take(Taken& taken, std::uint32_t job) {
  std::uint64_t seen = taken.of_job.load(std::memory_order_acquire);
  for (;;) {
    const std::uint64_t chunk = seen - none_taken(job);
    if (chunk >= chunks_per_share) return std::nullopt;  // wraps round where it is another job's
    if (taken.of_job.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) {
      return static_cast<std::size_t>(chunk);
    }
  }
}

}  // namespace

/// One job is active at a time, and ends with its last chunk: whoever finishes that makes the next
/// job active. A worker whose CPU is somebody else's for a while, of the thread that launches
/// kernels, say, misses jobs and holds up none, but for a chunk that it has begun.
class HostWorkers::Pool {
 public:
  explicit Pool(std::size_t requested) {
    const auto cpus = host::affinity_cpus();
    const std::size_t allowed = host::thread_count(cpus.size(), host::cgroup_cpu_quota());
    const std::size_t count = requested == 0 ? allowed : requested;
    // Under a quota other processes own the rest of the CPUs' time, and nothing says which
    // CPUs they are on: leave the choice to the scheduler.
    const bool pin = allowed == cpus.size();
    threads_.reserve(count);
    taken_ = std::vector<Taken>(count);
    try {
      for (std::size_t i = 0; i < count; ++i) {
        // Fewer threads than CPUs are spread over the mask, more go round.
        const std::size_t cpu = count <= cpus.size() ? i * cpus.size() / count : i % cpus.size();
        threads_.emplace_back([this, i, count, pin, number = cpus[cpu]] {
          // The scheduler then never moves a thread away from the cache and the NUMA node whose
          // part of the weights it reads (and first touched) in every pass. A refusal costs speed,
          // not correctness.
          if (pin) static_cast<void>(host::run_on({&number, 1}));
          work(i, count);
        });
      }
    } catch (const std::system_error& error) {
      const std::size_t started = threads_.size();
      stop();
      throw std::runtime_error("cannot start host worker thread " + std::to_string(started + 1) +
                               " of " + std::to_string(count) + ": " + error.code().message() +
                               "; raise the limit on processes (ulimit -u, pids.max)");
    }
  }

  ~Pool() {
    join();
    stop();
  }

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::size_t size() const { return threads_.size(); }

  void enqueue(Job job) {
    const std::lock_guard lock(mutex_);
    pending_.fetch_add(1, std::memory_order_relaxed);
    jobs_.push_back(std::move(job));
    if (jobs_.size() == 1) activate();
  }

  void join() {
    for (auto left = pending_.load(std::memory_order_acquire); left != 0;) {
      left = wait_for_change(pending_, left, spin_of_join);
    }
  }

 private:
  /// Start jobs_.front(); the mutex is held.
  void activate() {
    active_ = &jobs_.front();
    unfinished_.store(taken_.size() * chunks_per_share, std::memory_order_relaxed);
    const std::uint32_t job = epoch_.load(std::memory_order_relaxed) + 1;
    for (Taken& taken : taken_) taken.of_job.store(none_taken(job), std::memory_order_release);
    epoch_.store(job, std::memory_order_release);
    epoch_.notify_all();
  }

  void stop() {
    stop_.store(true, std::memory_order_relaxed);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  void work(std::size_t index, std::size_t count) {
    for (std::uint32_t epoch = 0;;) {
      epoch = wait_for_change(epoch_, epoch, spin_of_workers);
      if (stop_.load(std::memory_order_relaxed)) return;
      for (std::size_t i = 0; i < count; ++i) take_chunks(epoch, (index + i) % count, count);
    }
  }

  /// A job of which a chunk is taken and not done stays the active one.
  void take_chunks(std::uint32_t job, std::size_t owner, std::size_t count) {
    while (const auto chunk = take(taken_[owner], job)) {
      const Range range = chunk_of(*active_, owner, count, *chunk);
      if (range.begin < range.end) active_->task(range.begin, range.end);
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();
    }
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    jobs_.pop_front();  // what the task captured is gone before join() returns
    if (!jobs_.empty()) activate();
    pending_.fetch_sub(1, std::memory_order_release);
    pending_.notify_all();
  }

  std::mutex mutex_;
  std::deque<Job> jobs_;  // front: the active one; push_back leaves references to it valid
  Job* active_ = nullptr;
  std::atomic<std::uint32_t> epoch_{0};     // number of the active job; workers wait for the next
  std::atomic<std::size_t> unfinished_{0};  // chunks of the active job
  std::atomic<std::uint32_t> pending_{0};   // jobs not finished; join() waits for 0
  std::atomic<bool> stop_{false};
  std::vector<Taken> taken_;  // by worker
  std::vector<std::thread> threads_;
};

HostWorkers::HostWorkers(std::size_t threads) : pool_(std::make_unique<Pool>(threads)) {}
HostWorkers::~HostWorkers() = default;

std::size_t HostWorkers::size() const { return pool_->size(); }

void HostWorkers::enqueue(std::size_t items, std::size_t grain, Task task) {
  if (items == 0) return;
  pool_->enqueue({items, std::max<std::size_t>(grain, 1), std::move(task)});
}

void HostWorkers::join() { pool_->join(); }

void HostWorkers::run(std::size_t items, std::size_t grain, Task task) {
  enqueue(items, grain, std::move(task));
  join();
}

}  // namespace offload
