// SPDX-License-Identifier: Apache-2.0
// The closing summary of passes over models, against figures worked out by hand: of four layers of
// 100 MB two were measured, whose 200 MB cross the link in 3.2 ms.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "bench/report/answers.hpp"
#include "bench/report/summary.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using testing::model_run;
using testing::toy_case;

/// Lines joined: the summary breaks them where it must.
std::string flowing(const std::string& text) {
  std::string out;
  std::istringstream words(text);
  for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

bool contains(const std::string& text, const std::string& what) {
  return flowing(text).find(what) != std::string::npos;
}

std::string sentence(const RunRecord& run, std::size_t answer) {
  return answers(run).at(answer).sentences.front();
}

TEST(ModelSummary, GivesTokensAndMemoryInsteadOfRates) {
  const std::string text = summary_text(model_run());
  EXPECT_FALSE(contains(text, "GB/s median"));
  EXPECT_TRUE(contains(text, "policy start tokens/s bound HBM host verdict"));
  // Twice 1.8 ms a token; half of the 400 MB take 3.2 ms over the link, and 2.5 ms by the CPU. 25
  // MB of slots and 50 MB beside the layers are 72 MiB, 400 MB are 381 MiB.
  EXPECT_TRUE(contains(text, "hybrid_split steady 280 312 link 72 MiB 381 MiB best")) << text;
  EXPECT_TRUE(contains(text, "pinned_copy steady 119 156 link 143 MiB 381 MiB 2.33x slower"))
      << text;
  EXPECT_TRUE(contains(text, "device_resident steady 500 10000 HBM 429 MiB - is on the GPU"))
      << text;
  EXPECT_TRUE(contains(text, "host_compute steady 62 200 DRAM 48 MiB 381 MiB 4.44x slower"))
      << text;
  EXPECT_TRUE(contains(text, "pageable_copy steady - - - - FAILED")) << text;
}

TEST(ModelSummary, GivesNoTokensOfWhatNoEngineCanStayIn) {
  const std::string text = summary_text(model_run());
  // What has migrated takes memory on both sides; the model's pass takes twice 20 ms.
  EXPECT_TRUE(
      contains(text, "managed_readmostly_prefetch cold - - 429 MiB 381 MiB first pass 40 ms"))
      << text;
  EXPECT_TRUE(contains(text, "managed_readmostly_prefetch warm - - 429 MiB 381 MiB is on the GPU"))
      << text;
}

TEST(ModelSummary, SetsTokenCountsApart) {
  const std::string text = summary_text(model_run());
  EXPECT_TRUE(
      contains(text, "decode/tokens:1 of toy-model: 381 MiB offloaded; measured on 2 of 4 "));
  EXPECT_TRUE(contains(text, "layers and scaled by bytes"));
  // 512 tokens in twice 5 ms, against 6.4 ms over the link.
  EXPECT_TRUE(contains(text, "prefill/tokens:512 of toy-model: "));
  EXPECT_TRUE(contains(text, "pinned_copy steady 51200 80000 link ")) << text;

  CaseRecord one = toy_case("gemm", "pinned_copy", "steady", Path::link, {2e-3});
  CaseRecord many = one;
  one.label = "gemm/tokens:1";
  many.label = "gemm/tokens:512";
  const std::vector<CaseRecord> cases{one, many};
  EXPECT_EQ(rank(cases).size(), 2U);
}

TEST(ModelSummary, SaysOnceWhatIsLeftOut) {
  const std::string text = flowing(summary_text(model_run()));
  const std::string said = "what these kernels reach on weights alone: attention, KV cache";
  const std::size_t first = text.find(said);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find(said, first + 1), std::string::npos);
  EXPECT_FALSE(contains(summary_text(testing::gpu_run()), said));
}

TEST(ModelSummary, ExplainsARateAboveTheLink) {
  EXPECT_TRUE(contains(summary_text(model_run()),
                       "under hybrid_split the CPU computes with 50 % of the bytes"));
  EXPECT_FALSE(contains(summary_text(testing::gpu_run()), "the CPU computes with"));

  CaseRecord split = toy_case("gemv", "hybrid_split", "steady", Path::link, {1e-3});
  split.link_bytes = 40'000'000;
  split.cpu_bytes = 60'000'000;
  split.share_of_link = 40e6 / 1e-3 / 62.5e9;
  RunRecord run;
  run.cases = {split};
  EXPECT_EQ(sentence(run, 0),
            "gemv of toy.w: hybrid_split reads at 100 GB/s (64 % of the link for the part that "
            "crosses it, 60 % read by the CPU), with nothing to compare it with; no engine has "
            "hybrid_split (2026-11).");
}

TEST(ModelSummary, NamesTheWinnerAndItsCost) {
  EXPECT_EQ(
      sentence(model_run(), 0),
      "decode/tokens:1 of toy-model: hybrid_split wins at 280 tokens/s with 72 MiB "
      "of GPU memory, pinned_prefetch_copy is 1.89x slower at 147 tokens/s with 143 MiB of "
      "GPU memory; no engine has hybrid_split (2026-11; nearest: another, by experts), the best "
      "that one switches on today is pinned_prefetch_copy, by vLLM --offload-backend prefetch; "
      "with all weights resident (device_resident) 500 tokens/s in 429 MiB of GPU memory.");
  EXPECT_EQ(
      sentence(model_run(), 1),
      "prefill/tokens:512 of toy-model: pinned_copy reaches 51200 tokens/s with 143 MiB of GPU "
      "memory, with nothing to compare it with; an engine switches pinned_copy on with SGLang "
      "--cpu-offload-gb 30; "
      "with all weights resident (device_resident) 64000 tokens/s in 429 MiB of GPU memory.");
}

TEST(ModelSummary, ComparesWholeModels) {
  RunRecord run = model_run();
  run.cases = {run.cases[2], run.cases[1]};
  // 3.4 and 4.2 ms for the slice; of the whole, 1 s of resident weights beside is common to both.
  run.cases[0].model->seconds = 1.5;
  run.cases[1].model->seconds = 1.8;
  EXPECT_DOUBLE_EQ(times_slower(run.cases[1], run.cases[0]), 1.2);
}

TEST(ModelSummary, GivesTheCostOfEachThatTies) {
  RunRecord run = model_run();
  run.cases = {run.cases[1], run.cases[2]};
  run.cases[0].summary = run.cases[1].summary;
  run.cases[0].footprint.device = 0;
  run.cases[0].model->memory.device = 0;
  EXPECT_EQ(
      sentence(run, 0),
      "decode/tokens:1 of toy-model: pinned_copy (no GPU memory) and pinned_prefetch_copy (143 MiB "
      "of GPU memory) tie at 119 tokens/s; no engine has pinned_copy (2026-11), the best that one "
      "switches on today is pinned_prefetch_copy, as fast, by vLLM --offload-backend prefetch.");
}

TEST(ModelSummary, HasNoWinnerAmongResidentPasses) {
  RunRecord run = model_run();
  run.cases.resize(1);
  EXPECT_EQ(
      sentence(run, 0),
      "decode/tokens:1 of toy-model: no policy that offloads passed; with all weights resident "
      "(device_resident) 500 tokens/s in 429 MiB of GPU memory.");
}

TEST(ModelSummary, HasNoWinnerAmongFirstPasses) {
  RunRecord run = model_run();
  run.cases = {run.cases[0], run.cases[4], run.cases[5]};
  EXPECT_EQ(sentence(run, 0),
            "decode/tokens:1 of toy-model: no policy passed in a state that an engine can stay in; "
            "with all weights resident (device_resident) 500 tokens/s in 429 MiB of GPU memory.");
}

TEST(ModelSummary, TakesNothingForResidentThatOnlyCameToTheGpu) {
  RunRecord run = model_run();
  for (CaseRecord& record : run.cases) {  // faster than device_resident
    if (record.policy == "managed_readmostly_prefetch")
      record.summary = summarize(std::vector{0.5e-3});
  }
  EXPECT_EQ(answers(run).front().ranking.resident->policy, "device_resident");
  std::erase_if(run.cases, [](const auto& record) { return record.policy == "device_resident"; });
  EXPECT_EQ(answers(run).front().ranking.resident, nullptr);
}

TEST(ModelSummary, FitsAHundredColumns) {
  RunRecord run = model_run();
  for (auto& record : run.cases) {
    record.weights.name = record.weights.slice->model = "qwen3-235b-a22b-instruct-2507";
    if (record.policy == "pinned_copy") record.policy = "managed_readmostly_prefetch";
    if (record.model) record.model->memory.device = std::size_t{140} << 30U;
  }
  std::istringstream lines(summary_text(run));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST(ModelSummary, WritesModelFiguresToCsv) {
  RunRecord run = model_run();
  run.options.format = Format::csv;
  std::istringstream lines(summary_text(run));
  std::string header;
  std::string resident;
  std::string copied;
  std::getline(lines, header);
  std::getline(lines, resident);
  std::getline(lines, copied);
  EXPECT_TRUE(
      contains(header,
               ",failure,tokens,link_bytes,cpu_bytes,captured,layers,layers_measured,model_pass_s,"
               "tokens_per_second_ceiling,link_bytes_per_token,overlap,model_device_bytes,"
               "model_pinned_bytes,model_managed_bytes,model_pageable_bytes,"
               "model_pinned_bytes_by_powers_of_two,um_state,"));
  EXPECT_TRUE(contains(resident, ",true,,1,0,0,true,4,2,0.002,500,0,,450000000,0,0,0,0,zero "))
      << resident;
  EXPECT_TRUE(copied.find(",true,,1,200000000,0,false,4,2,0.0084,") != std::string::npos) << copied;
  // 100 MB are rounded up to 128 MiB, four times.
  EXPECT_TRUE(contains(copied, ",150000000,400000000,0,0,536870912,zero ")) << copied;
}

}  // namespace
}  // namespace offload
