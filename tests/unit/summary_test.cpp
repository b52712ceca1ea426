// SPDX-License-Identifier: Apache-2.0
// The closing summary, against figures worked out by hand: 100 MB over a link of 62.5 GB/s.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "bench/core/text.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/variability.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::toy_case;
constexpr Path on_link = Path::link;
constexpr Path on_gpu = Path::device_memory;

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The cells of the first line that begins with these two, split at runs of two or more spaces.
std::vector<std::string> row(const std::string& text, const std::string& policy,
                             const std::string& start) {
  for (const auto& line : lines_of(text)) {
    std::vector<std::string> cells;
    std::string rest = line;
    while (!rest.empty()) {
      const std::size_t gap = std::min(rest.find("  "), rest.size());
      cells.push_back(rest.substr(0, gap));
      rest.erase(0, std::min(rest.find_first_not_of(' ', gap), rest.size()));
    }
    if (cells.size() > 2 && cells[0] == policy && cells[1] == start) return cells;
  }
  return {};
}

std::string sentence(std::vector<CaseRecord> cases) {
  RunRecord run;
  run.cases = std::move(cases);
  return answers(run).front().sentences.front();
}

using Cells = std::vector<std::string>;

TEST(Summary, RanksWhatReadsHostMemoryAndSetsTheRestApart) {
  const std::string text = summary_text(testing::gpu_run());
  // 100 MB in 2 ms are 50 GB/s, 80 % of 62.5; the deviation is 0.01 of 2 ms.
  EXPECT_EQ(row(text, "pinned_copy", "steady"),
            (Cells{"pinned_copy", "steady", "2.00 ms", "50.0", "80.0", "0.5", "best"}));
  EXPECT_EQ(
      row(text, "pinned_zero_copy", "steady"),
      (Cells{"pinned_zero_copy", "steady", "2.50 ms", "40.0", "64.0", "0.0", "1.25x slower"}));
  EXPECT_EQ(
      row(text, "managed_demand", "cold"),
      (Cells{"managed_demand", "cold", "10 ms", "10 (9.9..10)", "16", "1.0", "5.00x slower"}));
  EXPECT_EQ(row(text, "host_compute", "steady"),
            (Cells{"host_compute", "steady", "4.0 ms", "25", "-", "0.0", "2.00x slower"}));
  for (const auto& [policy, start] :
       {std::pair{"device_resident", "steady"}, std::pair{"managed_demand", "warm"}}) {
    EXPECT_EQ(row(text, policy, start),
              (Cells{policy, start, "25.0 us", "4000", "-", "0.0", "is on the GPU"}));
  }
  EXPECT_EQ(row(text, "pageable_copy", "steady"),
            (Cells{"pageable_copy", "steady", "-", "-", "-", "-", "FAILED"}));
  EXPECT_TRUE(contains(text, "gemv/pageable_copy/toy.w/steady: wrong result: y[3] is 1.5"));
}

TEST(Summary, KeepsColdAndWarmApart) {
  const std::string text = summary_text(testing::gpu_run());
  EXPECT_EQ(row(text, "managed_prefer_host", "cold").back(), "1.50x slower");
  EXPECT_EQ(row(text, "managed_prefer_host", "warm").back(), "best when warm");
  const RunRecord run = testing::gpu_run();
  const auto sentences = answers(run).front().sentences;
  ASSERT_EQ(sentences.size(), 2U);
  // 2 ms over 25 us is 80; 100 MB in 2.5 ms are 40 GB/s, and the link carries 62.5.
  EXPECT_EQ(
      sentences[0],
      "gemv of toy.w, cold: pinned_copy wins at 50.0 GB/s (80 % of the link), "
      "pinned_zero_copy is 1.25x slower at 40.0 GB/s (64 % of the link); no engine has pinned_copy "
      "(2026-11), the best that one switches on today is managed_demand, 5.00x slower at 10 GB/s "
      "(16 % of the link), by GGML_CUDA_ENABLE_UNIFIED_MEMORY=1; weights that stay on the GPU "
      "would be read 80x faster.");
  // 2.0 / 1.8; 100 MB in 1.8 ms are 55.6 GB/s.
  EXPECT_EQ(sentences[1],
            "gemv of toy.w, warm: managed_prefer_host wins at 55.6 GB/s (89 % of the link), "
            "pinned_copy is 1.11x slower at 50.0 GB/s (80 % of the link); no engine has "
            "managed_prefer_host (2026-11), nor another policy measured here.");
}

TEST(Summary, GivesLatencyPerStep) {
  const std::string text = summary_text(testing::gpu_run());
  EXPECT_TRUE(contains(text, "ns/step"));
  // 1.2 ms for 1000 steps; six times the 0.2 ms in GPU memory.
  EXPECT_TRUE(contains(text, "pointer_chase of toy.w: pinned_zero_copy reads at 1.20 us a step"));
  EXPECT_TRUE(contains(text, "6.00x"));
}

TEST(Summary, ListsWhatElseTheReaderMustKnow) {
  const std::string text = summary_text(testing::gpu_run());
  EXPECT_TRUE(contains(text, "link: copy engine 62.5 GB/s, SM reads 50.0 GB/s (80 %)"));
  EXPECT_TRUE(contains(text, "4 of system_demand and system_prefetch: needs pageable memory"));
  EXPECT_TRUE(contains(text, "wall time 10.0 s: 60 % measured passes, 20 % allocating"));
  EXPECT_TRUE(contains(text, "mean of several passes (up to 40) in 1 case "));
  EXPECT_EQ(row(text, "copy", "49.5 GB/s").back(), "met");
  EXPECT_EQ(row(text, "overhead", "1.20 ms").back(), "MISSED");
  EXPECT_FALSE(contains(text, "INCOMPLETE"));

  RunRecord stopped = testing::gpu_run();
  stopped.complete = false;
  stopped.incomplete_reason = "interrupted by SIGINT";
  EXPECT_TRUE(contains(summary_text(stopped), "INCOMPLETE RUN: interrupted by SIGINT"));
}

TEST(Summary, FitsAHundredColumns) {
  RunRecord run = testing::gpu_run();
  for (auto& record : run.cases) {
    record.weights.name = "llama3.1-70b.gate_up_proj";
    if (record.policy == "pinned_copy") record.policy = "managed_readmostly_prefetch";
  }
  for (const auto& line : lines_of(summary_text(run))) EXPECT_LE(line.size(), 100U) << line;
}

TEST(Summary, WorksWithoutAGpu) {
  const std::string text = summary_text(testing::cpu_run());
  EXPECT_TRUE(contains(text, "no GPU (no driver)"));
  EXPECT_FALSE(contains(text, "% of link"));
  EXPECT_EQ(row(text, "host_compute", "steady").back(), "no rival");
  // 100 MB in 5 ms.
  EXPECT_TRUE(contains(text, "host_compute reads at 20 GB/s, with nothing to compare it with;"));
}

TEST(Summary, WarnsOfNoise) {
  RunRecord run = testing::cpu_run();
  EXPECT_FALSE(contains(summary_text(run), "spread by more than"));
  // Deviations of 1 ms around a mean of 5 ms: 20 %.
  run.cases[0].samples = {4e-3, 5e-3, 6e-3};
  run.cases[0].summary = summarize(run.cases[0].samples);
  EXPECT_TRUE(contains(summary_text(run), "the samples of 1 case spread by more than 10 %"));
}

TEST(Summary, WritesCsvAsDataOnly) {
  RunRecord run = testing::gpu_run();
  run.options.format = Format::csv;
  const auto lines = lines_of(summary_text(run));
  ASSERT_EQ(lines.size(), 1 + run.cases.size());
  const auto columns = std::count(lines[0].begin(), lines[0].end(), ',');
  EXPECT_TRUE(lines[0].starts_with("name,workload,policy,weights,start,path,"));
  EXPECT_TRUE(
      lines[2].starts_with("gemv/pinned_zero_copy/toy.w/steady,gemv,pinned_zero_copy,"
                           "toy.w,steady,link,100000000,100000000,0,3,1,0.0025,"));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto quoted = std::count(lines[i].begin(), lines[i].end(), '"');
    EXPECT_EQ(std::count(lines[i].begin(), lines[i].end(), ','), columns + (quoted > 0 ? 1 : 0))
        << lines[i];
  }
}

TEST(Summary, WritesMarkdownTables) {
  RunRecord run = testing::gpu_run();
  run.options.format = Format::md;
  const std::string text = summary_text(run);
  EXPECT_TRUE(contains(text, "### gemv of toy.w"));
  EXPECT_TRUE(contains(text, "| pinned_copy | steady | 2.00 ms | 50.0 | 80.0 | 0.5 | best |"));
}

TEST(Winner, IsSharedBetweenNearlyEqualMedians) {
  EXPECT_EQ(
      sentence({toy_case("gemv", "a", "steady", on_link, {2.000e-3}),
                toy_case("gemv", "b", "steady", on_link, {2.019e-3}),
                toy_case("gemv", "c", "steady", on_link, {2.020e-3})}),
      "gemv of toy.w: a and b tie at 50.0 GB/s (80 % of the link), c is 1.01x slower at 49.5 "
      "GB/s (79 % of the link); no engine has a (2026-11), nor another policy measured here.");
}

TEST(Winner, IsSharedWithWhatAnotherRunMayPutFirst) {
  // Runs of a case from cold are taken to differ by 15 %, those of the GPU alone by 0.4 %.
  const CaseRecord best = toy_case("gemv", "a", "steady", on_link, {2.00e-3});
  EXPECT_TRUE(ties(best, toy_case("gemv", "b", "cold", on_link, {2.29e-3})));
  EXPECT_FALSE(ties(best, toy_case("gemv", "b", "cold", on_link, {2.31e-3})));
  EXPECT_FALSE(ties(best, toy_case("gemv", "b", "steady", on_link, {2.03e-3})));
  // Both at once: 25 %.
  const CaseRecord cpu = toy_case("gemv", "c", "steady", Path::host_memory, {2.49e-3});
  EXPECT_TRUE(ties(toy_case("gemv", "b", "cold", on_link, {2.00e-3}), cpu));
  EXPECT_FALSE(ties(best, cpu));
}

TEST(Winner, IsSaidOnceWhenColdAndWarmAgree) {
  EXPECT_EQ(sentence({toy_case("gemv", "a", "steady", on_link, {2.0e-3}),
                      toy_case("gemv", "b", "cold", on_link, {4.0e-3}),
                      toy_case("gemv", "b", "warm", on_link, {4.0e-3})}),
            "gemv of toy.w, cold and warm: a wins at 50.0 GB/s (80 % of the link), b is 2.00x "
            "slower at 25 GB/s (40 % of the link); no engine has a (2026-11), nor another policy "
            "measured here.");
  const auto said = [](double cold, double warm) {
    RunRecord run;
    run.cases = {toy_case("gemv", "a", "steady", on_link, {2.0e-3}),
                 toy_case("gemv", "b", "cold", on_link, {cold}),
                 toy_case("gemv", "b", "warm", on_link, {warm})};
    return answers(run).front().sentences.size();
  };
  EXPECT_EQ(said(4.00e-3, 4.04e-3), 1U);  // 25.0 and 24.8 GB/s, and from cold it is 25
  EXPECT_EQ(said(4.00e-3, 4.15e-3), 2U);
}

TEST(Winner, IsToldInTheDigitsThatItsRunsRepeat) {
  for (const auto& [start, path] : {std::pair{"steady", on_link},
                                    {"cold", on_link},
                                    {"warm", on_link},
                                    {"steady", Path::host_memory}}) {
    for (double seconds = 60e-6; seconds < 1; seconds *= 1.7) {
      const CaseRecord one = toy_case("gemv", "a", start, path, {seconds});
      const std::string rate = is_rough(one) ? rough_rate(one.rate()) : format_rate(one.rate());
      EXPECT_TRUE(contains(sentence({one}), " a reads at " + rate)) << sentence({one});
      CaseRecord chase = one;
      chase.steps = 1000;
      const double step = seconds / 1000;
      EXPECT_TRUE(contains(sentence({chase}),
                           " a reads at " +
                               (is_rough(one) ? rough_seconds(step) : format_seconds(step)) +
                               " a step"))
          << sentence({chase});
    }
  }
}

TEST(Winner, IsSharedWhenTheMiddleHalvesOverlap) {
  // Medians 2.0 and 2.2 ms; quartiles of the first 1.9 and 2.3, of the second 2.1 and 2.3.
  const CaseRecord noisy =
      toy_case("gemv", "noisy", "steady", on_link, {1.8e-3, 1.9e-3, 2.0e-3, 2.3e-3, 2.4e-3});
  const CaseRecord slower =
      toy_case("gemv", "slower", "steady", on_link, {2.0e-3, 2.1e-3, 2.2e-3, 2.3e-3, 2.4e-3});
  const CaseRecord quiet =
      toy_case("gemv", "quiet", "steady", on_link, {2.0e-3, 2.0e-3, 2.0e-3, 2.0e-3, 2.0e-3});
  EXPECT_TRUE(ties(noisy, slower));
  EXPECT_TRUE(ties(slower, noisy));
  EXPECT_FALSE(ties(quiet, slower));
}

TEST(Winner, IsNeverAFailedOrAResidentCase) {
  CaseRecord wrong = toy_case("gemv", "wrong", "steady", on_link, {1e-3});
  wrong.failure = "wrong result";
  const CaseRecord resident = toy_case("gemv", "there", "steady", on_gpu, {25e-6});
  const CaseRecord slow = toy_case("gemv", "slow", "cold", on_link, {4e-3});
  // 100 MB in 4 ms, 40 % of the link; 4 ms over 25 us is 160.
  EXPECT_EQ(sentence({wrong, resident, slow}),
            "gemv of toy.w: slow reads at 25 GB/s (40 % of the link), with nothing to compare it "
            "with; no engine has "
            "slow (2026-11); weights that stay on the GPU would be read 160x faster.");
  EXPECT_EQ(sentence({wrong}), "gemv of toy.w: no policy passed.");
  EXPECT_EQ(sentence({wrong, resident}),
            "gemv of toy.w: nothing was read from host memory; weights on the GPU are read at 4.00 "
            "TB/s (there).");
}

TEST(Winner, DoesNotPromiseAGainThatIsNotThere) {
  EXPECT_EQ(sentence({toy_case("gemv", "device_resident", "steady", on_gpu, {2e-3}),
                      toy_case("gemv", "a", "steady", on_link, {2e-3})}),
            "gemv of toy.w: a reads at 50.0 GB/s (80 % of the link), with nothing to compare it "
            "with; no engine has a "
            "(2026-11); weights that stay on the GPU would be read no faster.");
}

TEST(Winner, ThatAnEngineHasIsNamedWithItsFlags) {
  CaseRecord best = toy_case("gemv", "a", "steady", on_link, {2e-3});
  best.engine_flags = "vLLM --x; SGLang --y";
  CaseRecord other = toy_case("gemv", "b", "steady", on_link, {4e-3});
  other.engine_flags = "vLLM --z";
  EXPECT_EQ(sentence({best, other}),
            "gemv of toy.w: a wins at 50.0 GB/s (80 % of the link), b is 2.00x slower at 25.0 GB/s "
            "(40 % of the link); an engine switches a on with vLLM --x or SGLang --y.");
}

}  // namespace
}  // namespace offload
