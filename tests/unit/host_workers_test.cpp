// SPDX-License-Identifier: Apache-2.0
#include "offload/host_workers.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "bench/core/cpus.hpp"

namespace offload {
namespace {

using Shares = std::vector<std::pair<std::size_t, std::size_t>>;

/// The shares of one task, by their begin.
Shares shares_of(HostWorkers& workers, std::size_t items, std::size_t grain) {
  std::mutex mutex;
  Shares shares;
  workers.run(items, grain, [&](std::size_t begin, std::size_t end) {
    const std::lock_guard lock(mutex);
    shares.emplace_back(begin, end);
  });
  std::sort(shares.begin(), shares.end());
  return shares;
}

TEST(HostWorkers, SharesCoverTheItemsOnceInWholeGrains) {
  for (const std::size_t threads : {1, 2, 3, 8}) {
    HostWorkers workers(threads);
    ASSERT_EQ(workers.size(), threads);
    for (const std::size_t items : {1UL, 2UL, 7UL, 64UL, 1000UL, 123457UL}) {
      for (const std::size_t grain : {0UL, 1UL, 3UL, 64UL, 4096UL}) {
        const auto shares = shares_of(workers, items, grain);
        std::size_t next = 0;
        for (const auto& [begin, end] : shares) {
          EXPECT_EQ(begin, next);
          EXPECT_LT(begin, end);
          EXPECT_EQ(begin % std::max<std::size_t>(grain, 1), 0U);
          next = end;
        }
        EXPECT_EQ(next, items) << threads << " threads, grain " << grain;
        EXPECT_LE(shares.size(), 8 * threads);  // eight chunks for each
      }
    }
  }
}

TEST(HostWorkers, ChunksDifferByOneGrainAtMost) {
  HostWorkers workers(3);
  const auto even = shares_of(workers, 48 * 64, 64);
  ASSERT_EQ(even.size(), 24U);
  for (const auto& [begin, end] : even) EXPECT_EQ(end - begin, 128U);
  for (const auto& [begin, end] : shares_of(workers, 50 * 64 + 1, 64)) {
    EXPECT_GE(end - begin, 65U);  // two grains, the last of which has one item only
    EXPECT_LE(end - begin, 192U);
  }
}

TEST(HostWorkers, SizesBeyond32Bits) {
  HostWorkers workers(2);
  const std::size_t huge = std::size_t{1} << 62;
  const auto shares = shares_of(workers, huge, 4096);
  ASSERT_EQ(shares.size(), 16U);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    EXPECT_EQ(shares[i], (std::pair{huge / 16 * i, huge / 16 * (i + 1)}));
  }
}

TEST(HostWorkers, NoItemsNoCall) {
  HostWorkers workers(2);
  EXPECT_TRUE(shares_of(workers, 0, 1).empty());
  workers.join();
}

TEST(HostWorkers, WhoIsHeldUpIsHelped) {
  // 16 items in 16 chunks for two threads. Item 0 ends only when all others have: so the other
  // thread must take what is left of the share that item 0 is in.
  HostWorkers workers(2);
  std::atomic<int> done{0};
  workers.run(16, 1, [&](std::size_t begin, std::size_t) {
    if (begin == 0) {
      for (int seen = done; seen < 15; seen = done) done.wait(seen);
    } else {
      ++done;
      done.notify_all();
    }
  });
  EXPECT_EQ(done, 15);
}

/// A thread whose CPU is somebody else's, until it is let go: a signal's handler keeps it.
struct Away {
  static std::atomic<bool>& kept() {
    static std::atomic<bool> flag{false};
    return flag;
  }
  static std::atomic<bool>& let_go() {
    static std::atomic<bool> flag{false};
    return flag;
  }
  static void handler(int) {
    kept() = true;
    while (!let_go()) usleep(100);
  }
};

TEST(HostWorkers, WhoIsAwayBetweenTasksHoldsUpNobody) {
  HostWorkers workers(2);
  std::vector<pthread_t> threads(2);
  std::barrier both(2);
  workers.run(2, 1, [&](std::size_t begin, std::size_t) {
    threads[begin] = pthread_self();
    both.arrive_and_wait();
  });
  Away::kept() = Away::let_go() = false;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = Away::handler;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  ASSERT_EQ(pthread_kill(threads[0], SIGUSR1), 0);
  while (!Away::kept()) std::this_thread::yield();

  std::atomic<bool> ended{false};
  std::thread watch([&] {
    for (int i = 0; i < 500 && !ended; ++i) usleep(10'000);
    Away::let_go() = true;
  });
  std::atomic<int> items{0};
  for (int task = 0; task < 100; ++task) {
    workers.run(
        16, 1, [&](std::size_t begin, std::size_t end) { items += static_cast<int>(end - begin); });
  }
  EXPECT_FALSE(Away::let_go()) << "the tasks ended only when the thread came back";
  ended = true;
  watch.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(items, 1600);
}

TEST(HostWorkers, EnqueueReturnsBeforeTheTaskEnds) {
  HostWorkers workers(2);
  std::atomic<bool> enqueued{false};
  std::atomic<int> seen{0};
  workers.enqueue(2, 1, [&](std::size_t, std::size_t) {
    enqueued.wait(false);  // would never end if enqueue waited for it
    ++seen;
  });
  enqueued = true;
  enqueued.notify_all();
  workers.join();
  EXPECT_EQ(seen, 2);
}

TEST(HostWorkers, TasksRunInOrderOneAfterTheOther) {
  HostWorkers workers(4);
  std::vector<int> counts(4000, 0);  // not atomic: only the order makes this free of races
  std::atomic<int> running{0};
  std::atomic<bool> overlapped{false};
  for (int task = 0; task < 500; ++task) {
    workers.enqueue(counts.size(), 1, [&, task](std::size_t begin, std::size_t end) {
      if (running.fetch_add(1) >= 4) overlapped = true;
      // Another part than the task before: a worker that ran ahead would find the wrong count.
      for (std::size_t i = begin; i < end; ++i) {
        auto& count = counts[(i + static_cast<std::size_t>(task) * 777) % counts.size()];
        if (count != task) overlapped = true;
        ++count;
      }
      running.fetch_sub(1);
    });
  }
  workers.join();
  EXPECT_FALSE(overlapped);
  for (const int count : counts) ASSERT_EQ(count, 500);
}

TEST(HostWorkers, ReusedAfterEveryJoinAndAfterIdling) {
  HostWorkers workers(2);
  long total = 0;
  for (int i = 0; i < 2000; ++i) {
    std::atomic<long> sum{0};
    workers.run(10, 1,
                [&](std::size_t begin, std::size_t end) { sum += static_cast<long>(end - begin); });
    total += sum;
    // Long enough for the workers to have gone to sleep.
    if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(total, 20000);
}

TEST(HostWorkers, SeveralThreadsMayEnqueue) {
  HostWorkers workers(2);
  std::atomic<int> items{0};
  const auto feed = [&] {
    for (int i = 0; i < 300; ++i) {
      workers.enqueue(5, 1, [&](std::size_t begin, std::size_t end) {
        items += static_cast<int>(end - begin);
      });
    }
    workers.join();
  };
  std::thread other(feed);
  feed();
  other.join();
  EXPECT_EQ(items, 2 * 300 * 5);
}

TEST(HostWorkers, DestructorFinishesWhatWasEnqueued) {
  std::atomic<int> items{0};
  {
    HostWorkers workers(3);
    for (int i = 0; i < 100; ++i) {
      workers.enqueue(3, 1, [&](std::size_t begin, std::size_t end) {
        items += static_cast<int>(end - begin);
      });
    }
  }
  EXPECT_EQ(items, 300);
}

TEST(HostWorkers, TasksAreDestroyedBeforeJoinReturns) {
  HostWorkers workers(2);
  auto owned = std::make_shared<int>(1);
  for (int i = 0; i < 10; ++i) workers.enqueue(2, 1, [owned](std::size_t, std::size_t) {});
  workers.join();
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(HostWorkers, IdleWorkersTakeNoCpuTime) {
  HostWorkers workers(4);
  workers.run(4, 1, [](std::size_t, std::size_t) {});
  const std::clock_t before = std::clock();  // of the whole process
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 0.02);
}

TEST(HostWorkers, DefaultIsWhatTheProcessMayUse) {
  const auto cpus = host::affinity_cpus();
  const auto allowed = host::thread_count(cpus.size(), host::cgroup_cpu_quota());
  HostWorkers workers;
  EXPECT_EQ(workers.size(), allowed);
  if (allowed < cpus.size()) GTEST_SKIP() << "a CPU quota: workers are not pinned";
  std::mutex mutex;
  std::vector<int> pinned;
  std::barrier all(static_cast<std::ptrdiff_t>(workers.size()));
  workers.run(workers.size(), 1, [&](std::size_t, std::size_t) {
    all.arrive_and_wait();  // so that no worker takes two
    const auto mine = host::affinity_cpus();
    const std::lock_guard lock(mutex);
    pinned.insert(pinned.end(), mine.begin(), mine.end());
  });
  std::sort(pinned.begin(), pinned.end());
  EXPECT_EQ(pinned, cpus);                 // each CPU has one worker
  EXPECT_EQ(host::affinity_cpus(), cpus);  // and the caller was left alone
}

TEST(HostWorkersDeathTest, AnExceptionInATaskEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        HostWorkers workers(1);
        workers.run(1, 1, [](std::size_t, std::size_t) { throw std::runtime_error("thrown"); });
      },
      "thrown");
}

}  // namespace
}  // namespace offload
