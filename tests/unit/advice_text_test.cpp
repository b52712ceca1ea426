// SPDX-License-Identifier: Apache-2.0
// What `advise` says of two ways to run a model, by figures given here.
#include "bench/report/advice.hpp"

#include <gtest/gtest.h>

#include "offload/units.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

AdviceReport report() {
  static const Catalog catalog = make_catalog();
  AdviceReport report;
  report.model = "toy";
  report.question.gpu_memory = 8 * GiB;
  report.question.host_memory = 64 * GiB;
  report.serving = {"org/Toy", "Toy.gguf", "vLLM", 4096, 1, 16 * GiB};
  report.origin = "a GPU, measured here";
  report.advice.weight_bytes = 14 * GiB;
  report.advice.fixed = {2 * GiB, GiB, GiB, true};
  report.advice.rest_of_step = 1e-3;
  Configuration split;
  split.policy = catalog.policy("hybrid_split");
  split.offloaded_bytes = 10 * GiB;
  split.memory = {8 * GiB, 10 * GiB};
  split.step = Prediction{0.1, 0.08, 0.125};
  split.prompt = Prediction{2, 1.6, 2.5};
  split.bottleneck = Bottleneck::host_memory;
  Configuration ahead;
  ahead.policy = catalog.policy("pinned_prefetch_copy");
  ahead.flags = "vLLM --offload-backend prefetch";
  ahead.offloaded_bytes = 10 * GiB;
  ahead.memory = {8 * GiB, 12 * GiB};
  ahead.step = Prediction{0.25, 0.245, 0.255};
  ahead.prompt = Prediction{0.5, 0.49, 0.51};
  report.advice.configurations = {split, ahead};
  report.advice.best_of_engines = 1;
  report.advice.misfits = {{catalog.policy("device_resident"), "needs more"}};
  return report;
}

bool says(const std::string& text, const std::string& words) {
  // Lines are wrapped where they are long.
  std::string joined = text;
  for (std::size_t at = joined.find('\n'); at != joined.npos; at = joined.find('\n', at + 1)) {
    joined[at] = ' ';
  }
  std::string single;
  for (const char c : joined) {
    if (c != ' ' || single.empty() || single.back() != ' ') single += c;
  }
  return single.find(words) != single.npos;
}

TEST(AdviceText, NamesBothWinnersWithFlagsRangesAndLimits) {
  const std::string text = advice_text(report(), Format::table);
  EXPECT_TRUE(says(text, "That is 10 GiB more than the 8 GiB of GPU memory")) << text;
  EXPECT_TRUE(
      says(text, "Type: vllm serve org/Toy --offload-backend prefetch --max-model-len 4096 "))
      << text;
  EXPECT_TRUE(says(text, "pinned_prefetch_copy: 4.00 tokens/s, the first token after 500 ms"))
      << text;
  EXPECT_TRUE(says(text, "hybrid_split, which no engine has: 10 (8.0..12) tokens/s")) << text;
  EXPECT_TRUE(says(text, "limited by host memory")) << text;
  EXPECT_TRUE(says(text, "The first token comes soonest with pinned_prefetch_copy")) << text;
  EXPECT_TRUE(says(text, "device_resident: needs more")) << text;
}

TEST(AdviceText, SaysWhatChangesTheOrder) {
  AdviceReport told = report();
  told.what_ifs = {{"With a link twice as fast", "pinned_prefetch_copy", "", 12},
                   {"With less", "", "", 0},
                   {"With more", "hybrid_split", "", 11}};
  const std::string text = advice_text(told, Format::table);
  EXPECT_TRUE(says(text,
                   "With a link twice as fast: pinned_prefetch_copy at 12.0 tokens/s would "
                   "be best"))
      << text;
  EXPECT_TRUE(says(text, "With less: nothing would fit")) << text;
  EXPECT_TRUE(says(text, "With more: hybrid_split at 11.0 tokens/s.")) << text;
}

TEST(AdviceText, SaysCrossoversAsSettings) {
  AdviceReport told = report();
  told.crossovers = {{"toy.up, bf16 8x8", 32}, {"toy.down, bf16 8x8", std::nullopt}};
  told.copy_from_bytes = 4.0 * 1024 * 1024;
  const std::string text = advice_text(told, Format::table);
  EXPECT_TRUE(says(text, "GGML_OP_OFFLOAD_MIN_BATCH=32")) << text;
  EXPECT_TRUE(says(text, "toy.down, bf16 8x8: up to 256 tokens the CPU beats a copy")) << text;
  EXPECT_TRUE(says(text, "from 4 MiB on a copy beats a read over the link")) << text;
}

TEST(AdviceText, PutsRowsThatAreAlikeInOne) {
  AdviceReport told = report();
  told.advice.configurations.push_back(told.advice.configurations.front());
  told.advice.configurations.push_back(told.advice.configurations.front());
  const std::string text = advice_text(told, Format::md);
  EXPECT_TRUE(says(text, "hybrid_split and 2 alike")) << text;
  EXPECT_EQ(text.find("| hybrid_split |"), text.npos) << text;
}

TEST(AdviceText, TellsWhatNoEngineHasFromWhatNoneHasForTheWeights) {
  static const Catalog catalog = make_catalog();
  AdviceReport told = report();
  told.advice.configurations.front().policy = catalog.policy("host_compute");
  EXPECT_TRUE(says(advice_text(told, Format::table),
                   "host_compute, which no engine's flags select for these weights: 10"));
}

TEST(AdviceText, LeavesWhatIsToBeTypedInOneLine) {
  const std::string text = advice_text(report(), Format::table);
  const std::size_t begin = text.find("  Type: ");
  ASSERT_NE(begin, text.npos);
  EXPECT_NE(text.substr(begin, text.find('\n', begin) - begin).find("utilization 0.50"), text.npos);
}

TEST(AdviceText, SaysWhatALargerMicroBatchWouldGain) {
  AdviceReport told = report();
  told.question.prompt = 4096;
  Configuration& llama = told.advice.configurations.back();
  llama.flags = "llama.cpp -ngl 5 --no-mmap";
  llama.prompt_at_once = Prediction{0.47, 0.47, 0.47};
  EXPECT_FALSE(says(advice_text(told, Format::table), "-ub 4096")) << "too little";
  llama.prompt_at_once = Prediction{0.2, 0.2, 0.2};
  const std::string text = advice_text(told, Format::table);
  EXPECT_TRUE(says(text,
                   "with -ub 4096 -b 4096 once, and llama.cpp -ngl 5 --no-mmap has the first "
                   "token after 200 ms instead of 500 ms"))
      << text;
}

TEST(AdviceText, SaysWhatWasMeasuredBesideWhatWasPredicted) {
  AdviceReport told = report();
  told.verified = {{"hybrid_split", 5, 32, {0.02, 0.016, 0.025}, 0.021, ""},
                   {"pinned_prefetch_copy", 5, 32, {0.03, 0.029, 0.031}, 0, "no memory"}};
  const std::string text = advice_text(told, Format::table);
  EXPECT_TRUE(says(text, "5 of 32 20.0 ms 21.0 ms 1.050")) << text;
  EXPECT_TRUE(says(text, "no memory")) << text;
}

TEST(AdviceText, SaysThatNothingFits) {
  AdviceReport none = report();
  none.advice.configurations.clear();
  none.advice.best_of_engines.reset();
  EXPECT_TRUE(says(advice_text(none, Format::table), "Nothing fits"));
  EXPECT_TRUE(says(advice_text(none, Format::json), "\"best\": null"));
}

}  // namespace
}  // namespace offload
