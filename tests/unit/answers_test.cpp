// SPDX-License-Identifier: Apache-2.0
// Standings and answers, against figures worked out by hand: 100 MB over a link of 62.5 GB/s.
#include "bench/report/answers.hpp"

#include <gtest/gtest.h>

#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::toy_case;

TEST(Answers, StandPerLabelAndWeightsInTheOrderOfTheRun) {
  const RunRecord run = testing::gpu_run();
  const auto found = answers(run);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].ranking.label, "gemv");
  EXPECT_EQ(found[1].ranking.label, "pointer_chase");
  EXPECT_EQ(found[2].ranking.weights, "toy.w");
  EXPECT_EQ(found[0].ranking.cases.size(), 9U);
}

TEST(Answers, NameTheBestAndWhatAnEngineCanSwitchOn) {
  const RunRecord run = testing::gpu_run();
  const auto found = answers(run);
  const Ranking& gemv = found.front().ranking;
  ASSERT_TRUE(gemv.cold);
  EXPECT_EQ(gemv.cold->best().policy, "pinned_copy");
  EXPECT_EQ(gemv.cold->runner_up->policy, "pinned_zero_copy");
  EXPECT_EQ(gemv.cold->switchable->policy, "managed_demand");  // alone has flags
  EXPECT_EQ(gemv.resident->policy, "device_resident");
  ASSERT_TRUE(gemv.warm);
  EXPECT_EQ(gemv.warm->best().policy, "managed_prefer_host");
  EXPECT_EQ(gemv.warm->switchable, nullptr);
}

TEST(Answers, PlaceACaseInEachContestItTakesPartIn) {
  const RunRecord run = testing::gpu_run();
  const auto found = answers(run);
  const Ranking& gemv = found.front().ranking;
  const CaseRecord& zero_copy = run.cases[1];
  const auto cold = place(gemv.cold, zero_copy);
  const auto warm = place(gemv.warm, zero_copy);
  ASSERT_TRUE(cold && warm);
  EXPECT_EQ(cold->rank, 2U);
  EXPECT_DOUBLE_EQ(cold->times_slower, 1.25);
  EXPECT_FALSE(cold->ties_with_best);
  EXPECT_EQ(warm->rank, 3U);
  const CaseRecord& best_when_warm = run.cases[6];
  EXPECT_FALSE(place(gemv.cold, best_when_warm));
  EXPECT_TRUE(place(gemv.warm, best_when_warm)->ties_with_best);
}

TEST(Answers, EndATieAtTheFirstThatStandsApart) {
  RunRecord run;
  run.cases = {toy_case("gemv", "pinned_copy", "steady", Path::link, {2.00e-3, 2.00e-3, 2.00e-3}),
               toy_case("gemv", "pinned_zero_copy", "steady", Path::link, {2.01e-3}),
               toy_case("gemv", "pinned_ring_copy", "steady", Path::link, {2.10e-3}),
               // its middle half reaches the best one's
               toy_case("gemv", "writecombined_zero_copy", "steady", Path::link,
                        {1.90e-3, 1.90e-3, 2.20e-3, 2.20e-3, 2.20e-3})};
  ASSERT_TRUE(ties(run.cases[0], run.cases[3]));
  ASSERT_FALSE(ties(run.cases[0], run.cases[2]));
  const auto found = answers(run);
  const std::optional<Contest>& contest = found.front().ranking.cold;
  ASSERT_TRUE(contest);
  EXPECT_EQ(contest->tied, (std::vector<const CaseRecord*>{&run.cases[0], &run.cases[1]}));
  EXPECT_EQ(contest->runner_up, &run.cases[2]);
  EXPECT_TRUE(place(contest, run.cases[1])->ties_with_best);
  EXPECT_FALSE(place(contest, run.cases[3])->ties_with_best);
}

TEST(Answers, SayWhyACaseDoesNotCompete) {
  const RunRecord run = testing::gpu_run();
  EXPECT_EQ(exclusion(run.cases[0]), Exclusion::on_gpu);
  EXPECT_EQ(exclusion(run.cases[8]), Exclusion::failed);
  EXPECT_EQ(exclusion(run.cases[1]), std::nullopt);
  EXPECT_EQ(exclusion(toy_case("gemv", "a", "cold", Path::link, {})), Exclusion::no_samples);
}

TEST(LimitedBy, FollowsFromPathAndShares) {
  Calibration calibration;
  calibration.copy_h2d = 62.5e9;
  calibration.host_read = 80e9;
  const auto limit = [&](const CaseRecord& record, const CaseRecord* resident = nullptr) {
    return limited_by(record, resident, calibration);
  };
  // 100 MB in 2 ms are 80 % of the link, in 1.25 ms all that the CPU reads.
  EXPECT_EQ(limit(toy_case("gemv", "a", "steady", Path::link, {2e-3})), LimitedBy::link);
  EXPECT_EQ(limit(toy_case("gemv", "a", "steady", Path::link, {4e-3})), LimitedBy::unknown);
  EXPECT_EQ(limit(toy_case("gemv", "a", "steady", Path::host_memory, {1.25e-3})),
            LimitedBy::host_memory);
  EXPECT_EQ(limit(toy_case("gemv", "a", "steady", Path::host_memory, {4e-3})), LimitedBy::cpu);

  const CaseRecord resident = toy_case("gemv", "r", "steady", Path::device_memory, {3.5e-3});
  EXPECT_EQ(limit(toy_case("gemv", "a", "steady", Path::link, {4e-3}), &resident), LimitedBy::gpu);

  CaseRecord faulting = toy_case("gemv", "a", "cold", Path::link, {10e-3});
  testing::add_demand_evidence(faulting);
  EXPECT_EQ(limit(faulting, &resident), LimitedBy::page_faults);

  CaseRecord split = toy_case("gemv", "a", "steady", Path::link, {1e-3});
  split.cpu_bytes = 50'000'000;
  split.link_bytes = 50'000'000;
  EXPECT_EQ(limit(split), LimitedBy::link_and_cpu);

  CaseRecord chase = toy_case("pointer_chase", "a", "steady", Path::link, {1e-3});
  chase.steps = 1000;
  EXPECT_EQ(limit(chase), LimitedBy::latency);
}

}  // namespace
}  // namespace offload
