// SPDX-License-Identifier: Apache-2.0
// What a run says of its own noise, and the rows that say so.
#include "bench/report/findings.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/report/answers.hpp"
#include "bench/report/machine_state.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/variability.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::toy_case;

const Finding* find(const std::vector<Finding>& findings, const std::string& check) {
  const auto found = std::ranges::find(findings, check, &Finding::check);
  return found == findings.end() ? nullptr : &*found;
}

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

RunRecord quiet_run() {
  RunRecord run = testing::gpu_run();
  for (CaseRecord& record : run.cases) {
    record.evidence.gpu = Observed<GpuState>::unavailable("not asked");
  }
  run.cases[11].samples = {4e-3, 4e-3, 4e-3};
  run.cases[11].summary = summarize(run.cases[11].samples);
  return run;
}

void measure_host(CaseRecord& record, double steal, double others) {
  record.evidence.host = Observed<HostState>::measured({10, 8, steal, others, 1.0, 2000.0});
}

TEST(Findings, AreNoneOfAQuietRun) {
  RunRecord run = quiet_run();
  run.calibration.link_generation = 5;
  run.calibration.link_width = 16;
  run.platform.host.load_average = 0.5;
  for (CaseRecord& record : run.cases) measure_host(record, 0.1, 2);
  EXPECT_TRUE(findings(run).empty());
  EXPECT_FALSE(contains(summary_text(run), "NOTE"));
}

TEST(Findings, TellABusyMachineByStealAndByOthers) {
  RunRecord run = quiet_run();
  for (CaseRecord& record : run.cases) measure_host(record, 0.1, 2);
  measure_host(run.cases[1], 4, 2);  // 5 % of 80 CPU seconds, but not of all cases together
  EXPECT_EQ(find(findings(run), "busy_machine"), nullptr);
  for (CaseRecord& record : run.cases) measure_host(record, 4, 2);
  const auto stolen = findings(run);
  const Finding* busy = find(stolen, "busy_machine");
  ASSERT_NE(busy, nullptr);
  EXPECT_TRUE(contains(busy->text, "the hypervisor 5 %")) << busy->text;
  EXPECT_EQ(busy->cases.size(), run.cases.size());
  for (CaseRecord& record : run.cases) measure_host(record, 0, 20);
  EXPECT_TRUE(contains(find(findings(run), "busy_machine")->text, "other processes took 25 %"));
}

TEST(Findings, TellALoadedMachineBeforeTheFirstTable) {
  RunRecord run = quiet_run();
  run.platform.host.load_average = 18;
  run.platform.host.logical_cpus = 2;
  ASSERT_NE(find(findings(run), "busy_machine"), nullptr);
  const std::string text = summary_text(run);
  const auto note = text.find("a load of 18.0 on 2 CPUs");
  ASSERT_NE(note, std::string::npos) << text;
  EXPECT_LT(note, text.find("verdict"));
}

TEST(Findings, TellDriftingCasesAndTheirRows) {
  RunRecord run = quiet_run();
  run.cases[0].samples = {25e-6, 27e-6, 29e-6, 29.5e-6, 30e-6};
  run.cases[0].summary = summarize(run.cases[0].samples);
  run.cases[0].evidence.gpu = testing::gpu_run().cases[1].evidence.gpu;
  const auto all = findings(run);
  const Finding* found = find(all, "drift");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->cases, std::vector<std::string>{run.cases[0].name});
  const std::string text = summary_text(run);
  EXPECT_TRUE(contains(text, "is on the GPU; drifts")) << text;
  EXPECT_TRUE(contains(found->text, "drifts 26.0 us -> 29.8 us (power cap")) << found->text;
  EXPECT_NE(find(all, "throttled"), nullptr);  // by the power cap
}

TEST(Findings, TellCasesThatStillMigrateAndTheirRows) {
  RunRecord run = quiet_run();
  CaseRecord& warm = *std::ranges::find_if(
      run.cases, [](const CaseRecord& record) { return record.start == "warm"; });
  warm.unsettled = Unsettled{0.12, 0.1, 0.45};
  const auto all = findings(run);
  const Finding* found = find(all, "unsettled");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->cases, std::vector<std::string>{warm.name});
  const std::string words =
      "still migrates (a pass moves 12 % of what it reads and 10 % -> 45 % of its pages on the GPU "
      "over the samples)";
  EXPECT_TRUE(contains(found->text, warm.name + " " + words)) << found->text;
  EXPECT_EQ(unsettled_text(warm), words);
  EXPECT_EQ(exclusion(warm), Exclusion::unsettled);
  EXPECT_TRUE(contains(summary_text(run), "  still migrates\n")) << summary_text(run);
  warm.unsettled = Unsettled{std::nullopt, 0.5, 0.2};
  EXPECT_EQ(unsettled_text(warm),
            "still migrates (50 % -> 20 % of its pages on the GPU over the samples)");
}

TEST(Findings, DoNotTellClocksThatWereChosen) {
  RunRecord run = quiet_run();
  GpuState state;
  state.throttled_before = std::vector<std::string>{};
  state.throttled_after = std::vector<std::string>{"application clocks"};
  run.cases[0].evidence.gpu = Observed<GpuState>::measured(state);
  EXPECT_EQ(find(findings(run), "throttled"), nullptr);
  state.throttled_after = std::vector<std::string>{"application clocks", "hardware slowdown"};
  state.sm_mhz_after = 1200;
  run.cases[0].evidence.gpu = Observed<GpuState>::measured(state);
  const auto all = findings(run);
  const Finding* found = find(all, "throttled");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(contains(found->text, "hardware slowdown")) << found->text;
  EXPECT_TRUE(contains(found->text, "1200 MHz")) << found->text;
  EXPECT_FALSE(contains(found->text, "application"));
}

TEST(Findings, TellALinkBelowWhatGpuAndSlotCan) {
  RunRecord run = quiet_run();
  run.calibration.copy_h2d = run.calibration.copy_d2h = run.calibration.sm_read_pinned = 12e9;
  for (CaseRecord& record : run.cases) record.link_bytes = 0;
  EXPECT_EQ(link_text(run.platform, run.calibration), "PCIe 5.0 x16");  // nobody looked
  run.calibration.link_generation = 4;
  run.calibration.link_width = 8;
  EXPECT_EQ(link_text(run.platform, run.calibration), "PCIe 4.0 x8 (GPU and slot can 5.0 x16)");
  EXPECT_TRUE(contains(summary_text(run), "Test GPU, PCIe 4.0 x8 (GPU and slot can 5.0 x16)"));
  EXPECT_NE(find(findings(run), "slow_link"), nullptr);
  EXPECT_EQ(find(findings(run), "rate_above_link"), nullptr);
}

TEST(Findings, TellARateThatTheLinkCannotHaveCarried) {
  RunRecord run = quiet_run();  // its copy engine moves 62.5 GB/s
  run.calibration.link_generation = 3;
  run.calibration.link_width = 8;
  const auto all = findings(run);
  const Finding* found = find(all, "rate_above_link");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(contains(found->text, "PCIe 3.0 x8")) << found->text;
  EXPECT_TRUE(contains(found->text, "7.88 GB/s")) << found->text;  // 8 lanes of 8 Gbit/s x 128/130
  EXPECT_TRUE(std::ranges::find(found->cases, run.cases[2].name) != found->cases.end());
}

TEST(Variability, FollowsWhatACaseHangsOn) {
  EXPECT_EQ(variability(toy_case("gemv", "a", "steady", Path::link, {2e-3})), Variability::gpu);
  EXPECT_EQ(variability(toy_case("gemv", "a", "steady", Path::link, {2e-5})), Variability::cpu);
  EXPECT_EQ(variability(toy_case("gemv", "a", "cold", Path::link, {2e-3})), Variability::driver);
  EXPECT_EQ(variability(toy_case("gemv", "a", "steady", Path::host_memory, {2e-3})),
            Variability::cpu);
  CaseRecord record = toy_case("gemv", "a", "warm", Path::device_memory, {2e-3});
  record.mechanism = "cudaMemPrefetchAsync, then read";
  EXPECT_EQ(variability(record), Variability::driver);
  record.mechanism = "row panels prefetched ahead";
  EXPECT_EQ(variability(record), Variability::driver);
  record = toy_case("gemv", "a", "warm", Path::link, {2e-3});
  record.evidence.cpu = Observed<CpuTime>::measured({.driver = 1e-3, .threads = {}});
  EXPECT_EQ(variability(record), Variability::driver);
  record.footprint.pageable = 1;
  EXPECT_EQ(variability(record), Variability::cpu);
}

TEST(Variability, NoiseOfDriverAndCpuIsNoDrift) {
  const std::vector<double> samples{1.0e-3, 1.1e-3, 1.15e-3, 1.2e-3, 1.25e-3};
  EXPECT_TRUE(drift(toy_case("gemv", "a", "steady", Path::link, samples)));
  EXPECT_FALSE(drift(toy_case("gemv", "a", "cold", Path::link, samples)));
  std::vector<double> more = samples;
  for (int i = 0; i < 6; ++i) more.push_back(1.3e-3 + 0.02e-3 * i);
  EXPECT_TRUE(drift(toy_case("gemv", "a", "cold", Path::link, more)));
  CaseRecord failed = toy_case("gemv", "a", "steady", Path::link, samples);
  failed.failure = "wrong result";
  EXPECT_FALSE(drift(failed));
}

}  // namespace
}  // namespace offload
