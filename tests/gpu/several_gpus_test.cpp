// SPDX-License-Identifier: Apache-2.0
// Several lanes, which on a machine with one GPU share it: lanes that line up, fail and measure
// there as they do on GPUs of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/measure/set_runner.hpp"
#include "bench/measure/shared_rates.hpp"
#include "bench/platform/probe.hpp"
#include "kernels/start_gate.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class SeveralGpus : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    const int second = cuda::device_count() > 1 ? 1 : 0;
    machines_ = {probe_platform(0), probe_platform(second)};
    cuda::set_device(0);
    lanes_ = std::make_unique<Lanes>(machines_);
    (*lanes_)[1].number = 1;
    lanes_->start(options_, wall_);
    lanes_->run(lanes_->all(), [&](std::size_t, Lane& lane) {
      lane.loop.emplace(*lane.session, lane.calibration, lane.wall);
      lane.runner.emplace(*lane.loop, options_, lane.wall);
    });
  }

  const Case& item(std::string_view policy, Start start, const GpuSet& gpus) {
    return cases_.emplace_back(
        Case{catalog_.workload("gemv"), catalog_.policy(policy), &weights_, start, gpus});
  }
  static CaseResult measured(const Case& item, SetRunner& runner) {
    runner.begin(item);
    for (int i = 0; i < 3; ++i) runner.take_sample();
    runner.finish();
    return runner.current();
  }

  Catalog catalog_ = make_catalog();
  Options options_;
  WallTime wall_;
  std::vector<Platform> machines_;
  std::unique_ptr<Lanes> lanes_;
  WeightSet weights_{"w", {{"w", DType::bf16, 4096, 4096}}};
  std::deque<Case> cases_;
};

// Every policy that this machine has, from every start: each GPU's result is verified.
TEST_F(SeveralGpus, RunEveryPolicyTogether) {
  SetRunner runner(*lanes_);
  for (const Policy* policy : catalog_.policies) {
    if (!policy->support(machines_.front()) || policy->family == Family::file) continue;
    for (const Start start : policy->starts) {
      if (!policy->reaches(start, weights_, {})) continue;
      const CaseResult result = measured(item(policy->name, start, {0, 1}), runner);
      EXPECT_EQ(result.failure, "") << result.item->name();
      ASSERT_EQ(result.members.size(), 2U);
      EXPECT_EQ(result.samples.size(), 3U) << result.item->name();
      EXPECT_EQ(result.prepared.bytes.requested, 2 * weights_.bytes());
    }
  }
}

TEST_F(SeveralGpus, BeginTogether) {
  const SharedRates rates = measure_shared_rates(*lanes_);
  EXPECT_LT(rates.start.median, 50e-6);
  ASSERT_TRUE(rates.copy_h2d);
  ASSERT_TRUE(rates.sm_read_pinned);
  EXPECT_GT(*rates.copy_h2d, 1e9);
  EXPECT_GT(rates.host_read, 1e9);
  RecordProperty("start_skew_median_ns", static_cast<int>(rates.start.median * 1e9));
  RecordProperty("start_skew_most_ns", static_cast<int>(rates.start.most * 1e9));
}

// As a pass of one GPU has no launch in it, one of several has none either.
TEST_F(SeveralGpus, MeasureNoMoreWhereOneRunsItAlone) {
  SetRunner runner(*lanes_);
  const auto least = [](const CaseResult& result) {
    return *std::ranges::min_element(result.samples);
  };
  const CaseResult alone = measured(item("pinned_copy", Start::steady, {0}), runner);
  ASSERT_EQ(alone.failure, "");
  Lane& lane = lanes_->first();
  lanes_->run({0}, [&](std::size_t, Lane&) {
    StartLine line(1, true);
    lane.session->set_company(&line);
    lane.loop->prepare(item("pinned_copy", Start::steady, {0}));
    double best = lane.loop->sample();
    for (int i = 0; i < 4; ++i) best = std::min(best, lane.loop->sample());
    lane.session->set_company(nullptr);
    EXPECT_NEAR(best / least(alone), 1, 0.02);
  });
}

TEST(StartGate, HoldsAStreamBackUntilItIsOpened) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  const HostAllocation word(HostMemory::pinned, sizeof(std::uint32_t));
  const HostAllocation mark(HostMemory::pinned, 1);
  auto* const opened = reinterpret_cast<std::uint32_t*>(word.data());
  const std::atomic_ref turn(*opened);
  turn.store(6);
  *mark.data() = std::byte{0};
  const cuda::Stream stream;
  using std::chrono::nanoseconds;
  kernels::start_gate(opened, 7, nanoseconds(0), stream);
  cuda::memset_async(mark.data(), 1, 1, stream);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(*mark.data(), std::byte{0});
  turn.store(7);
  cuda::stream_synchronize(stream);
  EXPECT_EQ(*mark.data(), std::byte{1});
  // Later turns are open for earlier ones too, and round the end of the numbers.
  turn.store(2);
  kernels::start_gate(opened, 0xffffffffU, nanoseconds(0), stream);
  cuda::stream_synchronize(stream);
}

TEST(StartGate, HoldsForAMomentOnceItIsOpen) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  const HostAllocation word(HostMemory::pinned, sizeof(std::uint32_t));
  auto* const opened = reinterpret_cast<std::uint32_t*>(word.data());
  std::atomic_ref(*opened).store(1);
  const cuda::Stream stream;
  cuda::Event begin;
  cuda::Event end;
  kernels::start_gate(opened, 1, std::chrono::nanoseconds(0), stream);  // loads it
  begin.record(stream);
  kernels::start_gate(opened, 1, std::chrono::microseconds(200), stream);
  end.record(stream);
  end.synchronize();
  EXPECT_GE(end.seconds_since(begin), 190e-6);
  EXPECT_LT(end.seconds_since(begin), 2e-3);
}

}  // namespace
}  // namespace offload
