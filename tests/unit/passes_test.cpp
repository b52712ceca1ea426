// SPDX-License-Identifier: Apache-2.0
// How passes end: joined, or left open for the next where a placement runs on.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "another_placement.hpp"
#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/platform/probe.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

constexpr std::size_t weight_bytes = std::size_t{512} * 1024 * 2;

/// 's' for reset(), 'r' for a piece that was read, 'f' for finish(), 'd' for drop_head_start().
std::string happened;

/// Whose passes may run on; and which may give a pass that does other bytes than it should.
class RunsOn final : public testing::AnotherPlacement {
 public:
  using AnotherPlacement::AnotherPlacement;
  void reset(Start start, StreamHandle stream) override {
    happened += 's';
    AnotherPlacement::reset(start, stream);
  }
  PieceView acquire(std::size_t index, StreamHandle stream) override {
    happened += 'r';
    PieceView view = AnotherPlacement::acquire(index, stream);
    if (spoils_what_follows_ && open_) view.data = stale_.data();
    open_ = true;
    return view;
  }
  void finish(StreamHandle) override {
    happened += 'f';
    open_ = false;
  }
  bool runs_on() const override { return runs_on_; }
  void drop_head_start(StreamHandle) override { happened += 'd'; }

  static inline bool runs_on_ = true;
  static inline bool spoils_what_follows_ = false;

 private:
  bool open_ = false;  // the pass before was left so
  std::vector<std::byte> stale_ = std::vector<std::byte>(weight_bytes);
};

class Passes : public ::testing::Test {
 protected:
  Passes() : policy_(*catalog_.policy("host_compute")) {
    policy_.place = [](std::span<const WeightTensor> tensors, const PlaceContext& context) {
      const Policy& real = *make_catalog().policy("host_compute");
      return std::unique_ptr<Placement>(
          std::make_unique<RunsOn>(tensors, real.place(tensors, context)));
    };
    platform_.gpu.reset();
    platform_.host.last_level_cache_bytes = std::size_t{1} << 20;  // flushes quickly
  }
  std::string of_one_pass(bool runs_on) {
    RunsOn::runs_on_ = runs_on;
    Session session(platform_, 2);
    Loop loop(session, {}, wall_);
    loop.prepare({catalog_.workload("stream_read"), &policy_, &weights_, Start::steady});
    happened.clear();
    loop.pass();
    return happened;
  }

  Catalog catalog_ = make_catalog();
  Policy policy_;
  Platform platform_ = probe_platform(0);
  WallTime wall_;
  WeightSet weights_{"w", {{"w", DType::bf16, 512, 1024}}};
};

TEST_F(Passes, EndJoinedWherePlacementsDo) { EXPECT_EQ(of_one_pass(false), "srf"); }

// The first only leads in, with no head start; nothing is joined before the second has been timed.
TEST_F(Passes, FollowOneAnotherWherePlacementsRunOn) { EXPECT_EQ(of_one_pass(true), "sdrrf"); }

// The flush reads twice the last-level cache, in no less time than any memory takes for that.
TEST_F(Passes, BeginWithNothingOfTheWeightsInTheCpusCaches) {
  platform_.host.last_level_cache_bytes = std::size_t{64} << 20;
  constexpr double bytes_per_second = 2e12;
  Session session(platform_, 2);
  Loop loop(session, {}, wall_);
  loop.prepare({catalog_.workload("gemv"), &policy_, &weights_, Start::steady});
  const double before = wall_.reset;
  loop.pass();
  const double read = 2.0 * static_cast<double>(*platform_.host.last_level_cache_bytes);
  EXPECT_GT(wall_.reset - before, read / bytes_per_second);
}

// The pass that leads in is right, the one that is timed behind it is not.
TEST_F(Passes, AreVerifiedAsTheyAreTimed) {
  Session session(platform_, 2);
  for (const bool spoils : {false, true}) {
    RunsOn::runs_on_ = true;
    RunsOn::spoils_what_follows_ = spoils;
    Loop loop(session, {}, wall_);
    loop.prepare({catalog_.workload("gemv"), &policy_, &weights_, Start::steady});
    loop.sample();
    if (spoils) {
      EXPECT_THROW(loop.verify(), ImplausibleResult);
    } else {
      EXPECT_NO_THROW(loop.verify());
    }
  }
  RunsOn::spoils_what_follows_ = false;
}

}  // namespace
}  // namespace offload
