// SPDX-License-Identifier: Apache-2.0
// Cases that several run at the same time, on a machine where the CPU stands for the GPUs.
#include "bench/measure/set_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/measure/shared_rates.hpp"
#include "offload/error.hpp"
#include "tests/unit/another_placement.hpp"
#include "tests/unit/cpu_only.hpp"
#include "tests/unit/messages.hpp"

namespace offload {
namespace {

Options options() {
  Options options;
  options.threads = 2;
  options.evidence = EvidenceLevel::none;
  return options;
}

/// Two lanes as GPUs 0 and 1 would have them.
class TwoLanes : public ::testing::Test {
 protected:
  TwoLanes() : lanes_({testing::cpu_only(), testing::cpu_only()}) {
    lanes_[1].number = 1;
    lanes_.start(options_, wall_);
    lanes_.run(lanes_.all(), [&](std::size_t, Lane& lane) {
      lane.loop.emplace(*lane.session, lane.calibration, lane.wall);
      lane.runner.emplace(*lane.loop, options_, lane.wall);
    });
  }

  /// Kept, as a plan keeps its cases.
  const Case& host_compute(const GpuSet& gpus, const Policy* policy = nullptr) {
    return cases_.emplace_back(Case{catalog_.workload("gemv"),
                                    policy == nullptr ? catalog_.policy("host_compute") : policy,
                                    &weights_, Start::steady, gpus});
  }
  static CaseResult measured(const Case& item, SetRunner& runner) {
    runner.begin(item);
    for (int i = 0; i < 3; ++i) runner.take_sample();
    runner.finish();
    return runner.current();
  }

  Catalog catalog_ = make_catalog();
  Options options_ = options();
  WallTime wall_;
  Lanes lanes_;
  WeightSet weights_{"w", {{"w", DType::bf16, 512, 1024}}};
  std::deque<Case> cases_;
};

TEST_F(TwoLanes, WorkAtTheSameTimeOnThreadsOfTheirOwn) {
  std::vector<std::thread::id> threads(2);
  std::atomic<int> inside{0};
  lanes_.run(lanes_.all(), [&](std::size_t index, Lane&) {
    threads[index] = std::this_thread::get_id();
    ++inside;
    while (inside.load() < 2) std::this_thread::yield();  // for ever, were they in turn
  });
  EXPECT_EQ(threads[0], std::this_thread::get_id());
  EXPECT_NE(threads[1], threads[0]);
  std::thread::id again;
  lanes_.run({1}, [&](std::size_t, Lane&) { again = std::this_thread::get_id(); });
  EXPECT_EQ(again, threads[1]);
}

TEST_F(TwoLanes, ThrowWhatOneThrewOnceAllAreDone) {
  std::atomic<bool> done{false};
  const auto work = [&](std::size_t index, Lane&) {
    if (index == 0) throw std::runtime_error("the first");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    done = true;
    throw std::runtime_error("the second");
  };
  EXPECT_EQ(testing::message_of<std::runtime_error>([&] { lanes_.run(lanes_.all(), work); }),
            "the first");
  EXPECT_TRUE(done.load());
  EXPECT_NO_THROW(lanes_.run(lanes_.all(), [](std::size_t, Lane&) {}));
}

TEST_F(TwoLanes, HaveHalfOfTheThreadsAndOfTheMemoryEach) {
  const Platform whole = testing::cpu_only();
  for (const std::size_t lane : lanes_.all()) {
    EXPECT_EQ(lanes_[lane].session->workers().size(), 1U);
    EXPECT_LT(lanes_[lane].platform.host.available_bytes, 3 * (whole.host.available_bytes / 4));
  }
}

TEST_F(TwoLanes, MeasureACaseAloneAsOneDoes) {
  SetRunner runner(lanes_);
  const CaseResult result = measured(host_compute({1}), runner);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.samples.size(), 3U);
  EXPECT_TRUE(result.complete());
  EXPECT_TRUE(result.members.empty());
  EXPECT_EQ(result.prepared.bytes.requested, weights_.bytes());
  EXPECT_TRUE(lanes_[0].runner->results().empty());
  EXPECT_EQ(lanes_[1].runner->results().size(), 1U);
}

TEST_F(TwoLanes, MeasureACaseTogetherByTheSlowestOfEachSample) {
  SetRunner runner(lanes_);
  const CaseResult result = measured(host_compute({0, 1}), runner);
  EXPECT_EQ(result.failure, "");
  EXPECT_TRUE(result.complete());
  ASSERT_EQ(result.members.size(), 2U);
  ASSERT_EQ(result.samples.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(result.samples[i],
              std::max(result.members[0].samples[i], result.members[1].samples[i]));
  }
  EXPECT_EQ(result.members[0].gpu, 0);
  EXPECT_EQ(result.members[1].gpu, 1);
  EXPECT_EQ(result.members[1].bytes, weights_.bytes());
  EXPECT_EQ(result.prepared.bytes.requested, 2 * weights_.bytes());
  EXPECT_EQ(result.prepared.footprint.pageable,
            2 * lanes_[0].loop->placement().footprint().pageable);
  // Whose passes are short takes as many of them in a sample as the other.
  EXPECT_EQ(lanes_[0].runner->current().prepared.passes_per_sample,
            lanes_[1].runner->current().prepared.passes_per_sample);
}

/// Fails in the pass that `fails_in` counts down to, on the thread that it names.
class Failing final : public testing::AnotherPlacement {
 public:
  using AnotherPlacement::AnotherPlacement;
  PieceView acquire(std::size_t index, StreamHandle stream) override {
    if (std::this_thread::get_id() == *thread && --passes == 0) {
      throw CudaError("out of something", dead, false);
    }
    return AnotherPlacement::acquire(index, stream);
  }

  static inline std::optional<std::thread::id> thread;
  static inline int passes = 0;
  static inline bool dead = false;
};

class OneFails : public TwoLanes {
 protected:
  OneFails() : policy_(*catalog_.policy("host_compute")) {
    policy_.place = [](std::span<const WeightTensor> tensors, const PlaceContext& context) {
      const Policy& real = *make_catalog().policy("host_compute");
      return std::unique_ptr<Placement>(
          std::make_unique<Failing>(tensors, real.place(tensors, context)));
    };
    lanes_.run({1}, [](std::size_t, Lane&) { Failing::thread = std::this_thread::get_id(); });
    Failing::dead = false;
  }
  CaseResult failed_in(int pass, SetRunner& runner) {
    Failing::passes = pass;
    return measured(host_compute({0, 1}, &policy_), runner);
  }

  Policy policy_;
};

// In the pass that verifies, in the first that settles, and in that of a sample.
TEST_F(OneFails, AndTheOtherIsNotLeftWaiting) {
  for (const int pass : {1, 2, 0}) {
    SetRunner runner(lanes_);
    Failing::passes = pass;
    runner.begin(host_compute({0, 1}, &policy_));
    if (pass == 0) {
      EXPECT_EQ(runner.current().failure, "");
      Failing::passes = 1;
    }
    runner.take_sample();
    runner.finish();
    const CaseResult result = runner.current();
    EXPECT_EQ(result.failure, "GPU 1: out of something") << pass;
    EXPECT_FALSE(result.complete());
    ASSERT_EQ(result.members.size(), 2U);
    EXPECT_EQ(result.members[0].failure, Abandoned().what());
    const CaseResult next = measured(host_compute({0, 1}), runner);
    EXPECT_EQ(next.failure, "");
    EXPECT_EQ(next.samples.size(), 3U);
  }
}

TEST_F(OneFails, AndIsLostWhileTheOtherGoesOn) {
  Failing::dead = true;
  SetRunner runner(lanes_);
  EXPECT_EQ(failed_in(1, runner).failure, "GPU 1: out of something");
  EXPECT_EQ(measured(host_compute({0, 1}), runner).failure,
            "GPU 1 is lost since it failed: out of something");
  EXPECT_EQ(measured(host_compute({1}), runner).failure,
            "GPU 1 is lost since it failed: out of something");
  const CaseResult alone = measured(host_compute({0}), runner);
  EXPECT_EQ(alone.failure, "");
  EXPECT_EQ(alone.samples.size(), 3U);
  EXPECT_EQ(runner.results().size(), 4U);
}

TEST(SharedRates, AreThoseOfAllAtOnce) {
  std::vector<Platform> machines{testing::cpu_only(), testing::cpu_only()};
  for (Platform& machine : machines) machine.host.available_bytes = std::size_t{1} << 30;
  Lanes lanes(machines);
  WallTime wall;
  lanes.start(options(), wall);
  const SharedRates rates = measure_shared_rates(lanes);
  EXPECT_FALSE(rates.copy_h2d);
  EXPECT_GT(rates.host_read, 1e8);
  EXPECT_GE(rates.start.most, rates.start.median);
  EXPECT_GT(rates.start.samples, 0U);
  EXPECT_LT(rates.start.median, 1e-2);
}

TEST(SharedRates, TakeFromWhatOneGpuCanDoTheCpusPartAlone) {
  Calibration alone;
  alone.copy_h2d = 55e9;
  alone.host_read = 150e9;
  alone.host_read_by_threads = {{1, 12e9}, {16, 150e9}};
  SharedRates shared;
  shared.host_read = 160e9;
  const Calibration beside = beside_others(alone, shared, 2);
  EXPECT_DOUBLE_EQ(beside.host_read, 80e9);
  EXPECT_DOUBLE_EQ(beside.host_read_by_threads.at(1), 12e9);
  EXPECT_DOUBLE_EQ(beside.host_read_by_threads.at(16), 80e9);
  EXPECT_EQ(beside.copy_h2d, alone.copy_h2d);
  shared.host_read = 310e9;  // a socket each
  EXPECT_DOUBLE_EQ(beside_others(alone, shared, 2).host_read, 150e9);
}

}  // namespace
}  // namespace offload
