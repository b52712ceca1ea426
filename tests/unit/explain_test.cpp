// SPDX-License-Identifier: Apache-2.0
// The command explain: sentences with figures that can be worked out by hand from 100 MB a pass.
#include "bench/report/evidence.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/report/summary.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::toy_case;

/// The sentences about one of the synthetic run's cases.
class Told {
 public:
  explicit Told(const CaseRecord& record) : lines_(explain(record, testing::gpu_run())) {}

  /// Whether one of the sentences is this.
  bool operator()(const std::string& sentence) const {
    return std::ranges::find(lines_, sentence) != lines_.end();
  }
  bool mentions(const std::string& text) const {
    return std::ranges::any_of(
        lines_, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }
  std::string text() const {
    std::string text;
    for (const std::string& line : lines_) text += line + '\n';
    return text;
  }

 private:
  std::vector<std::string> lines_;
};

TEST(Explain, SaysHowFastAndWhatCrossedTheLink) {
  const Told told(testing::gpu_run().cases[2]);  // pinned_copy
  EXPECT_TRUE(
      told("A pass takes 2.00 ms (median of 3 samples, spread 0.5 %): 100 MB at 50.0 GB/s."))
      << told.text();
  EXPECT_TRUE(
      told("100 MB of that crossed the link, at 80 % of what the copy engine carries (62.5 "
           "GB/s)."))
      << told.text();
  // Of what runs repeat to no better than 5 %, two digits.
  const Told demand(testing::gpu_run().cases[3]);
  EXPECT_TRUE(demand.mentions("A pass takes 10 ms (median of 3 samples")) << demand.text();
  EXPECT_TRUE(demand.mentions(": 100 MB at 10 GB/s.")) << demand.text();
  const Told chase(testing::gpu_run().cases[9]);
  EXPECT_TRUE(chase.mentions("1.20 us for each of 1000 dependent steps")) << chase.text();
  const Told resident(testing::gpu_run().cases[0]);
  EXPECT_TRUE(resident("The weights were in GPU memory when they were read."));
  const Told host(testing::gpu_run().cases[7]);
  EXPECT_TRUE(host.mentions("The CPU read them where they lie")) << host.text();
  EXPECT_TRUE(host.mentions("80.0 GB/s")) << host.text();
}

TEST(Explain, SaysWhatFaultsMovedAndWhoServedThem) {
  const Told told(testing::gpu_run().cases[3]);
  EXPECT_TRUE(
      told("The driver moved 100 MB to the GPU while 100 MB were read (1.00x): 15.0 MB by "
           "page faults and 85.0 MB around faults, by the driver's own guess."))
      << told.text();
  // 100 MB for 50 groups.
  EXPECT_TRUE(told("The driver served 50 groups of GPU page faults, 2.00 MB moved for each."))
      << told.text();
  EXPECT_TRUE(
      told("The driver's kernel threads took 9.00 ms of CPU time a pass, 90.0 ms per GB: "
           "UVM GPU1 BH 9.00 ms."))
      << told.text();
  EXPECT_TRUE(told("It had 12.5 minor and 0 major page faults a pass.")) << told.text();
  EXPECT_TRUE(told("After it, of 2000 pages asked, 2000 not mapped by the CPU.")) << told.text();
  EXPECT_TRUE(told("Energy unknown: cold passes have to be brought home.")) << told.text();
  EXPECT_FALSE(told.mentions("payload"));  // not told apart
}

TEST(Explain, SaysWhenAPartWasCounted) {
  CaseRecord record = testing::gpu_run().cases[3];
  record.evidence.um.value->bytes_read = 50'000'000;
  // Twice as much was moved as read.
  EXPECT_TRUE(Told(record).mentions(
      "100 MB to the GPU while 50.0 MB, a part of a pass, were read (2.00x)"));
}

TEST(Explain, SaysWhatReadsOverTheLinkCost) {
  const Told told(testing::gpu_run().cases[1]);
  EXPECT_TRUE(told("No faults and migrations, by design: the driver has nothing to do."));
  EXPECT_TRUE(told("The driver's kernel threads did not run."));
  // 20 bytes around packets of 128 are 16 %.
  EXPECT_TRUE(
      told("The link carried 116 MB to the GPU and 18.8 MB to the host, whole packets; 100 "
           "MB to the GPU were payload, so headers added 16 %, and each byte asked for "
           "crossed 1.00 times."))
      << told.text();
  EXPECT_TRUE(
      told("The GPU drew 200 W over 300 ms of consecutive passes, 0.500 J a pass, 5.00 J per "
           "GB."))
      << told.text();
  EXPECT_TRUE(told("What held the clocks down: nothing before the samples, power cap after them."));
  EXPECT_TRUE(told("The link right after a pass: PCIe generation 5 and 16 lanes."));
  EXPECT_TRUE(told("After it, of 2000 pages asked, 2000 on NUMA node 0.")) << told.text();
}

TEST(Explain, SaysWhatElseTheMachineDid) {
  CaseRecord record = testing::gpu_run().cases[1];
  // 0.8 and 0.08 of 8 CPU seconds.
  record.evidence.host = Observed<HostState>::measured({1.0, 8, 0.08, 0.8, 3.5, 2100.0});
  record.samples = {2.0e-3, 2.3e-3, 2.5e-3};
  const Told told(record);
  EXPECT_TRUE(
      told("While the samples were taken other processes had 10 % of the time of 8 CPUs, and the "
           "hypervisor 1 % (steal)."))
      << told.text();
  EXPECT_TRUE(told("After them: a load of 3.50 and CPU clocks of 2100 MHz.")) << told.text();
  EXPECT_TRUE(
      told("It drifts 2.00 ms -> 2.50 ms (power cap, SM clock 1200 -> 1980 MHz) from the first "
           "samples to the last."))
      << told.text();
}

TEST(Explain, SaysThatAWarmCaseHasNotSettled) {
  CaseRecord record = testing::gpu_run().cases[1];
  record.unsettled = Unsettled{0.12, std::nullopt, std::nullopt};
  EXPECT_TRUE(
      Told(record)("It still migrates (a pass moves 12 % of what it reads): its figures are of no "
                   "state that lasts."))
      << Told(record).text();
}

TEST(Explain, TellsMappingFromMoving) {
  const Told told(testing::gpu_run().cases[5]);
  EXPECT_TRUE(told("The driver moved nothing to the GPU while 100 MB were read.")) << told.text();
  EXPECT_TRUE(told("The driver served 1500 groups of GPU page faults."));
  EXPECT_TRUE(told("It mapped 1500 regions to be read over the link instead of moving them."));
  EXPECT_TRUE(told("CPU time unknown: no clock."));
}

TEST(Explain, HasASentenceForEveryCollectorThatFoundNothing) {
  const Told told(toy_case("gemv", "a", "steady", Path::link, {2e-3}));
  for (const char* what : {"CPU time", "Page faults of this process", "Pages in host memory",
                           "Link bytes", "Energy", "Clocks", "Other work on the host"}) {
    EXPECT_TRUE(told(std::string(what) + " unknown: not collected.")) << what << '\n'
                                                                      << told.text();
  }
}

TEST(Explain, SetsSetUpApart) {
  const Told told(testing::gpu_run().cases[11]);  // 3.9, 4.0 and 4.1 ms, of which 0.9, 1.0 and 1.1
  EXPECT_TRUE(
      told("Before reading began, set-up took 1.00 ms of a pass, reading 3.00 ms "
           "(medians)."))
      << told.text();
}

TEST(Explain, FollowsConsecutivePasses) {
  CaseRecord record = testing::gpu_run().cases[3];
  const Told even(record);
  EXPECT_TRUE(
      even("Of 6 consecutive passes the first takes 10.0 ms, the second and third 25.0 us, the "
           "last two 25.0 us (means)."))
      << even.text();
  EXPECT_TRUE(
      even("The last two take as long as passes 2 and 3, within 10 %: nothing adapts after "
           "the first pass."))
      << even.text();
  EXPECT_TRUE(even("Moved to the GPU, pass by pass: 100 MB, 0 B, 0 B, 0 B, 0 B and 0 B."))
      << even.text();
  EXPECT_FALSE(even.mentions("different parts"));
  EXPECT_FALSE(even.mentions("behind each pass"));

  record.series->on_gpu = {0, 0.5, 1};
  EXPECT_TRUE(Told(record).mentions(
      "Of its pages were on the GPU behind each pass: 0 %, 50 % and 100 %; access counters move"))
      << Told(record).text();
  record.series->on_gpu.clear();

  record.series->seconds = {10e-3, 10e-3, 10e-3, 8e-3, 5e-3, 5e-3};
  record.series->distinct_bytes = {30'000'000, 20'000'000, 10'000'000, 0, 0, 0};
  const Told adapting(record);
  EXPECT_TRUE(adapting("The last two take 50 % less than passes 2 and 3: something adapts."))
      << adapting.text();
  EXPECT_TRUE(adapting("Passes read different parts: 60.0 MB altogether, 30.0 MB in the first."))
      << adapting.text();

  record.series->seconds = {10e-3, 9e-3};
  EXPECT_TRUE(Told(record).mentions("too few passes"));
}

TEST(Explain, SaysThatACaseFailed) {
  const Told told(testing::gpu_run().cases[8]);
  EXPECT_TRUE(told("FAILED: wrong result: y[3] is 1.5, expected 2.5.")) << told.text();
  EXPECT_TRUE(told("No sample was taken."));
}

TEST(Summary, IsTheExplanationWhereOneWasAskedFor) {
  RunRecord run = testing::gpu_run();
  run.cases = {run.cases[1]};
  run.options.explain = run.cases[0].name;
  const std::string text = summary_text(run);
  EXPECT_NE(text.find("gemv/pinned_zero_copy/toy.w/steady\n"), std::string::npos);
  EXPECT_NE(text.find("The driver's kernel threads did not run."), std::string::npos);
  EXPECT_EQ(text.find("verdict"), std::string::npos);
}

}  // namespace
}  // namespace offload
