// SPDX-License-Identifier: Apache-2.0
// The measuring loop on the CPU's own policy: what it must refuse to print, and what it reuses.
#include "bench/measure/loop.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "another_placement.hpp"
#include "bench/catalog.hpp"
#include "bench/core/huge_page.hpp"
#include "bench/measure/case_runner.hpp"
#include "offload/error.hpp"
#include "tests/unit/cpu_only.hpp"

namespace offload {
namespace {

/// The pieces as they are, and no more of a plan.
class SaysNothingOfTheCpu final : public testing::AnotherPlacement {
  using AnotherPlacement::AnotherPlacement;
  PassPlan plan_pass(std::span<const Piece> read, bool cpu_can) override {
    return {AnotherPlacement::plan_pass(read, cpu_can).pieces};
  }
};

int placed = 0;  // under the policy below

/// host_compute in all but name and path, so that its figures are held against the link.
Policy claims_the_link(const Policy& host_compute) {
  static PlaceFunction place;
  place = host_compute.place;
  placed = 0;
  Policy row = host_compute;
  row.name = "claims_the_link";
  row.paths = {Path::link, Path::link};
  row.place = [](std::span<const WeightTensor> tensors, const PlaceContext& context) {
    ++placed;
    return std::unique_ptr<Placement>(
        std::make_unique<SaysNothingOfTheCpu>(tensors, place(tensors, context)));
  };
  return row;
}

/// Reads nothing, finds that right so many times, and never again.
class RightAtFirst final : public Workload {
 public:
  explicit RightAtFirst(int times) : times_(times) {}

  class Bound final : public BoundWorkload {
   public:
    Bound(const WeightSet& weights, int times) : BoundWorkload(weights), left_(times) {}
    PassBytes bytes() const override { return {1, 32}; }
    void poison(const LaunchTarget&) override {}
    void launch(const PieceView&, const LaunchTarget&) override {}
    std::optional<std::string> check(const LaunchTarget&) override {
      if (left_-- > 0) return std::nullopt;
      return "row 3 is missing";
    }

   private:
    int left_;
  };
  std::string_view name() const override { return "right_at_first"; }
  std::string_view description() const override { return ""; }
  Content content() const override { return Content::random_weights; }
  Support reads(const WeightSet&) const override { return Support::yes(); }
  std::unique_ptr<BoundWorkload> bind(const WeightSet& weights, std::span<const TensorContent>,
                                      HostWorkers&, bool) const override {
    return std::make_unique<Bound>(weights, times_);
  }

 private:
  int times_;
};

class LoopOnTheCpu : public ::testing::Test {
 protected:
  Case item(const char* workload, const Policy& policy) const {
    return {catalog_.workload(workload), &policy, &weights_, Start::steady};
  }
  const Policy& host_compute() const { return *catalog_.policy("host_compute"); }

  Platform platform_ = testing::cpu_only();
  Catalog catalog_ = make_catalog();
  WeightSet weights_{"w", {{"w", DType::bf16, 512, 1024}}};
  Calibration calibration_;
  WallTime wall_;
  Session session_{platform_, 2};
};

/// Five halves of a huge page.
class LoopOnHugePages : public LoopOnTheCpu {
 protected:
  void SetUp() override {
    const Support given = huge_pages_on_advice(platform_.host);
    if (!given) GTEST_SKIP() << given.reason();
    if (huge_page_bytes() > std::size_t{2} << 20) GTEST_SKIP() << "too large for a test";
    weights_.tensors.front().rows =
        5 * huge_page_bytes() / 2 / weights_.tensors.front().row_bytes();
  }
  PreparedCase prepared() {
    Session session(platform_, 2, HostPages::huge);
    return Loop(session, calibration_, wall_).prepare(item("stream_read", host_compute()));
  }
};

TEST_F(LoopOnHugePages, TellsWhatLiesInThem) {
  try {
    const auto found = prepared().huge_pages;
    ASSERT_TRUE(found);
    EXPECT_EQ(found->bytes, weights_.bytes());
    EXPECT_EQ(found->huge_bytes, 2 * huge_page_bytes());
  } catch (const ImplausibleResult& error) {
    GTEST_SKIP() << "this machine has none free: " << error.what();
  }
}

TEST_F(LoopOnHugePages, FailsWhereTheKernelGivesSmallOnes) {
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  std::string failure;
  try {
    prepared();
  } catch (const ImplausibleResult& error) {
    failure = error.what();
  }
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
  EXPECT_TRUE(failure.starts_with("placed wrongly: 4 MiB of host memory lie in small pages"))
      << failure;
}

TEST_F(LoopOnTheCpu, AsksForNoPagesUnlessTold) {
  Loop loop(session_, calibration_, wall_);
  EXPECT_FALSE(loop.prepare(item("stream_read", host_compute())).huge_pages);
}

TEST_F(LoopOnTheCpu, OfWarmCasesNotesWherePagesWereBeforeTheSamples) {
  Policy handled = host_compute();
  handled.starts = cold_and_warm;
  handled.driver_handles_pages = true;
  Loop loop(session_, calibration_, wall_);
  const auto before = [&](const Policy& policy, Start start) {
    const Case item{catalog_.workload("stream_read"), &policy, &weights_, start};
    loop.prepare(item);
    loop.sample();
    return loop.evidence().residency.value.value_or(Residency{1, 1, 77, {}, ""}).not_on_cpu_before;
  };
  EXPECT_EQ(before(handled, Start::warm), 0U);
  EXPECT_EQ(before(handled, Start::cold), std::nullopt);
  EXPECT_EQ(before(host_compute(), Start::warm), std::nullopt);
}

TEST_F(LoopOnTheCpu, MeasuresEveryWorkload) {
  const WeightSet experts{"experts", {{"e", DType::bf16, 16 * 32, 512, 0, 16}}, std::nullopt, 2};
  const WeightSet quantised{"quantised", {{"q", DType::u8, 256, 1072}}};
  const std::vector<const WeightSet*> all{&weights_, &experts, &quantised};
  Loop loop(session_, calibration_, wall_);
  for (const auto& workload : catalog_.workloads) {
    if (!workload->runs_on_cpu()) continue;
    const auto suits = std::find_if(all.begin(), all.end(), [&](const WeightSet* weights) {
      return static_cast<bool>(workload->reads(*weights));
    });
    ASSERT_NE(suits, all.end()) << workload->name();
    const Case item{workload.get(), &host_compute(), *suits, Start::steady};
    const PreparedCase prepared = loop.prepare(item);
    EXPECT_EQ(item.name(), workload->label() + "/host_compute/" + (*suits)->name + "/steady");
    EXPECT_GE(prepared.footprint.pageable, (*suits)->bytes());
    EXPECT_GT(loop.sample(), 0);
  }
  EXPECT_GT(wall_.measured, 0);
}

TEST_F(LoopOnTheCpu, MeasuresFilesFromBothStarts) {
  const Policy& policy = *catalog_.policy("file_host_compute");
  Loop loop(session_, calibration_, wall_);
  for (const Start start : policy.starts) {
    if (const Support can = policy.reaches(start, weights_, {}); !can) {
      EXPECT_EQ(start, Start::cold) << can.reason();
      continue;
    }
    Case one = item("gemv", policy);
    one.start = start;
    loop.prepare(one);
    EXPECT_GT(loop.sample(), 0) << name(start);
    loop.verify();
  }
}

TEST_F(LoopOnTheCpu, TakesTheMeanOfASamplesPasses) {
  Loop loop(session_, calibration_, wall_);
  const std::size_t passes = loop.prepare(item("stream_read", host_compute())).passes_per_sample;
  ASSERT_GE(passes, 8U);
  double longest = 0;
  for (int i = 0; i < 8; ++i) longest = std::max(longest, loop.pass());
  // Their sum would be far above.
  EXPECT_LT(loop.sample(), static_cast<double>(passes) / 2 * longest);
}

TEST_F(LoopOnTheCpu, VerifiesAfterTheSamplesToo) {
  const RightAtFirst right_once(1);
  Case wrong = item("stream_read", host_compute());
  wrong.workload = &right_once;
  const Case spoilt = wrong;
  const Case fine = item("stream_read", host_compute());
  for (const EvidenceLevel evidence : {EvidenceLevel::none, EvidenceLevel::quick}) {
    Options options;
    options.evidence = evidence;
    Loop loop(session_, calibration_, wall_);
    CaseRunner runner(loop, options, wall_);
    for (const Case* one : {&fine, &spoilt}) {
      runner.begin(*one);
      runner.take_sample();
      EXPECT_EQ(runner.current().failure, "") << one->name();
      runner.finish();
      const bool failed = runner.current().failure.find("row 3 is missing") != std::string::npos;
      EXPECT_EQ(failed, one == &spoilt) << runner.current().failure;
    }
  }
}

TEST_F(LoopOnTheCpu, SaysOfEveryCollectorWhatItFound) {
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("stream_read", host_compute()));
  const Evidence found = loop.evidence();
  EXPECT_GT(found.passes, 0U);
  ASSERT_TRUE(found.cpu.value);
  EXPECT_GT(found.cpu.value->process, 0);
  ASSERT_TRUE(found.page_faults.value);
  EXPECT_EQ(found.page_faults.value->major, 0);
  EXPECT_NE(found.residency.state, EvidenceState::zero_by_design);
  for (const std::string& reason : {found.link.reason, found.energy.reason, found.gpu.reason}) {
    EXPECT_EQ(reason, "no GPU");
  }
  EXPECT_EQ(found.um.state, EvidenceState::unavailable);
}

TEST_F(LoopOnTheCpu, ReadsNoCounterUnlessAsked) {
  {
    LoopOptions options;
    options.watch = false;
    Loop loop(session_, calibration_, wall_, options);
    loop.prepare(item("stream_read", host_compute()));
    EXPECT_EQ(wall_.evidence, 0);
    EXPECT_THROW(loop.evidence(), std::logic_error);
  }
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("stream_read", host_compute()));
  EXPECT_GT(wall_.evidence, 0);
  EXPECT_GT(loop.evidence().passes, 0U);
  const double before = wall_.evidence;
  loop.sample();  // is not watched
  EXPECT_EQ(wall_.evidence, before);
}

TEST_F(LoopOnTheCpu, KeepsEveryPassOfASeries) {
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("stream_read", host_compute()));
  const PassSeries series = loop.series(4);
  ASSERT_EQ(series.seconds.size(), 4U);
  for (const double seconds : series.seconds) EXPECT_GT(seconds, 0);
  // All passes read the same: only the first reads anything new.
  EXPECT_EQ(series.distinct_bytes, (std::vector<std::size_t>{weights_.bytes(), 0, 0, 0}));
}

TEST_F(LoopOnTheCpu, RefusesARateAboveWhatThePathCarries) {
  const Policy policy = claims_the_link(host_compute());
  platform_.link = Link{};
  platform_.link->peak_bytes_per_second = 1e6;  // 1 MiB would take a second
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("stream_read", policy));
  EXPECT_THROW(loop.sample(), ImplausibleResult);
}

TEST_F(LoopOnTheCpu, HoldsRatesAgainstTheCalibrationWhereThePeakIsUnknown) {
  const Policy policy = claims_the_link(host_compute());
  platform_.link.reset();
  calibration_.copy_h2d = 1e6;
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("stream_read", policy));
  EXPECT_THROW(loop.sample(), ImplausibleResult);
}

// What caches cannot hold comes out of memory, at no more than thrice the calibrated rate.
TEST_F(LoopOnTheCpu, RefusesARateAboveWhatHostMemoryCarries) {
  const WeightSet large{"large", {{"w", DType::bf16, 2048, 1024}}};
  const Case of_large{catalog_.workload("gemv"), &host_compute(), &large, Start::steady};
  const auto sample_with = [&](const Case& item, double host_read, std::size_t cache) {
    calibration_.host_read = host_read;
    platform_.host.last_level_cache_bytes = cache;
    Loop loop(session_, calibration_, wall_);
    loop.prepare(item);
    loop.sample();
  };
  const std::size_t small_cache = large.bytes() / 4;
  EXPECT_THROW(sample_with(of_large, 1e3, small_cache), ImplausibleResult);
  EXPECT_NO_THROW(sample_with(of_large, 1e15, small_cache));
  EXPECT_NO_THROW(sample_with(of_large, 0, small_cache)) << "not calibrated";
  EXPECT_NO_THROW(sample_with(of_large, 1e3, large.bytes())) << "all of it may be in a cache";
  const Case of_parts{catalog_.workload("pointer_chase"), &host_compute(), &large, Start::steady};
  EXPECT_NO_THROW(sample_with(of_parts, 1e3, small_cache)) << "parts may be read again";
}

TEST_F(LoopOnTheCpu, RefusesAWrongResultBeforeAnySample) {
  const RightAtFirst workload(0);
  Loop loop(session_, calibration_, wall_);
  try {
    loop.prepare({&workload, &host_compute(), &weights_, Start::steady});
    FAIL() << "a wrong result went unnoticed";
  } catch (const ImplausibleResult& error) {
    EXPECT_STREQ(error.what(), "wrong result: row 3 is missing");
  }
}

TEST_F(LoopOnTheCpu, PlacesOnceForAllWorkloadsOfOnePolicy) {
  const Policy policy = claims_the_link(host_compute());
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("gemv", policy));
  loop.prepare(item("stream_read", policy));
  loop.prepare(item("pointer_chase", policy));
  loop.prepare(item("gemv", policy));
  EXPECT_EQ(placed, 1);
  loop.prepare(item("gemv", host_compute()));
  loop.prepare(item("gemv", policy));
  EXPECT_EQ(placed, 2);
}

TEST_F(LoopOnTheCpu, ResumesOnlyWhatThePlacementHolds) {
  Loop loop(session_, calibration_, wall_);
  loop.prepare(item("gemv", host_compute()));
  loop.prepare(item("stream_read", host_compute()));
  loop.resume(item("gemv", host_compute()));
  EXPECT_GT(loop.sample(), 0);
  const Policy other = claims_the_link(host_compute());
  EXPECT_THROW(loop.resume(item("gemv", other)), std::logic_error);
  EXPECT_THROW(loop.resume(item("pointer_chase", host_compute())), std::logic_error);
}

TEST_F(LoopOnTheCpu, LeavesAtACheckpoint) {
  struct Leave {};
  bool leaves = false;
  LoopOptions options;
  options.checkpoint = [&leaves] {
    if (leaves) throw Leave();
  };
  Loop loop(session_, calibration_, wall_, options);
  loop.prepare(item("gemv", host_compute()));
  leaves = true;
  EXPECT_THROW(loop.sample(), Leave);
}

}  // namespace
}  // namespace offload
