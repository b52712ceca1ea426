// SPDX-License-Identifier: Apache-2.0
// How passes end: joined, or left open for the next where a placement runs on.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "another_placement.hpp"
#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/platform/probe.hpp"

namespace offload {
namespace {

/// 'r' for a piece that was read, 'f' for finish(), 'd' for drop_head_start().
std::string happened;

/// Whose passes may run on.
class RunsOn final : public testing::AnotherPlacement {
 public:
  using AnotherPlacement::AnotherPlacement;
  PieceView acquire(std::size_t index, StreamHandle stream) override {
    happened += 'r';
    return AnotherPlacement::acquire(index, stream);
  }
  void finish(StreamHandle) override { happened += 'f'; }
  bool runs_on() const override { return runs_on_; }
  void drop_head_start(StreamHandle) override { happened += 'd'; }

  static inline bool runs_on_ = true;
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

TEST_F(Passes, EndJoinedWherePlacementsDo) { EXPECT_EQ(of_one_pass(false), "rf"); }

// The first only leads in, with no head start; nothing is joined before the second has been timed.
TEST_F(Passes, FollowOneAnotherWherePlacementsRunOn) { EXPECT_EQ(of_one_pass(true), "drrf"); }

}  // namespace
}  // namespace offload
