// SPDX-License-Identifier: Apache-2.0
// What the commands list and plan print.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "bench/report/plan_text.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

/// The first line that holds `what`, runs of spaces made one.
std::string line_with(const std::string& text, const std::string& what) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!contains(line, what)) continue;
    std::istringstream words(line);
    std::string squeezed;
    for (std::string word; words >> word;) squeezed += (squeezed.empty() ? "" : " ") + word;
    return squeezed;
  }
  return "";
}

Options options_for(const char* policy) {
  Options options;
  options.workloads = {"gemv"};
  options.policies = {policy};
  options.tensors = {{"toy.w", DType::bf16, 1024, 8192}};  // 16 MiB
  options.samples = 3;
  return options;
}

TEST(ListText, NamesEverythingThatCanBeNamed) {
  const std::string text = list_text(testing::fake_catalog());
  EXPECT_EQ(line_with(text, "pinned_zero_copy"), "pinned_zero_copy uva cudaHostAlloc: on paper");
  EXPECT_EQ(line_with(text, "host_compute"), "host_compute cpu malloc: on paper");
  EXPECT_EQ(line_with(text, "pointer_chase"), "pointer_chase on paper");
  // 4096 x 14336 of two bytes are 112 MiB.
  EXPECT_EQ(line_with(text, "llama3.1-8b.down_proj"),
            "llama3.1-8b.down_proj 4096 14336 bf16 112 MiB");
  EXPECT_EQ(line_with(text, "llama3.3-70b "), "llama3.3-70b llama3.1-70b");
  EXPECT_EQ(line_with(text, "deepseek-ai/DeepSeek-V3.1 "), "deepseek-ai/DeepSeek-V3.1 deepseek-v3");
  EXPECT_TRUE(line_with(text, "quick").starts_with("quick "));
}

TEST(PlanText, ShowsCasesMemoryAndTotals) {
  const Catalog catalog = testing::fake_catalog();
  const Options options = options_for("pageable_copy");
  const Platform platform = testing::gpu_machine();
  const std::string text = plan_text(make_plan(options, catalog, platform), options, platform);
  // The fake copy needs the weights' size once in host memory and once on the GPU.
  EXPECT_EQ(line_with(text, "gemv/pageable_copy/toy.w/steady"),
            "gemv/pageable_copy/toy.w/steady 16 MiB 16 MiB - 16 MiB");
  EXPECT_TRUE(contains(text, "1 case of 3 samples, "));
  EXPECT_TRUE(contains(text, "(120 GiB available)"));
  EXPECT_TRUE(contains(text, "(139 GiB free)"));
}

TEST(PlanText, SaysWhyCasesAreSkipped) {
  const Catalog catalog = testing::fake_catalog();
  Options options = options_for("managed_demand");
  options.policies.emplace_back("host_compute");
  const Platform platform = testing::cpu_machine();
  const std::string text = plan_text(make_plan(options, catalog, platform), options, platform);
  EXPECT_TRUE(contains(text, "skipped 2 cases"));  // cold and warm
  EXPECT_TRUE(contains(text, "2 of managed_demand: no GPU: no CUDA driver"));
  EXPECT_FALSE(contains(text, "of GPU memory"));
}

Options model_options() {
  Options options;
  options.suite = "decode";
  options.models = {"llama3.1-8b"};
  options.policies = {"host_compute"};
  return options;
}

TEST(PlanText, ShowsWhereAModelsWeightsGo) {
  const Catalog catalog = make_catalog();
  const Options options = model_options();
  const Platform platform = testing::cpu_machine();
  const std::string text = plan_text(make_plan(options, catalog, platform), options, platform);
  EXPECT_TRUE(line_with(text, "layers 0-31").starts_with("layers 0-31 (32): offloaded qkv_proj"));
  EXPECT_TRUE(contains(text, "decode/tokens:32/host_compute/llama3.1-8b/steady"));
}

TEST(Plan, WarnsOnceOfRulesWithoutEffect) {
  const Catalog catalog = make_catalog();
  Options options = model_options();
  options.models.emplace_back("qwen2.5-7b");
  const Platform platform = testing::gpu_machine();
  EXPECT_TRUE(make_plan(options, catalog, platform).warnings().empty());
  options.rules.cpu_offload_gb = 2;
  options.rules.group_size = 2;
  const Plan plan = make_plan(options, catalog, platform);
  EXPECT_EQ(plan.models.size(), 2U);
  ASSERT_EQ(plan.warnings().size(), 1U);
  EXPECT_TRUE(contains(plan.warnings().front(), "--cpu-offload-gb is ignored"));
}

TEST(Plan, WarnsOfPrefillsThatLackTheTimeOnResidentWeights) {
  const Catalog catalog = make_catalog();
  Options options = model_options();
  options.suite = "prefill";
  options.rules.cpu_offload_gb = 8;
  options.policies = {"pinned_ring_copy"};
  const Platform platform = testing::gpu_machine();
  const std::vector<std::string> warnings = make_plan(options, catalog, platform).warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(contains(warnings[0], "no tokens/s of prefills of llama3.1-8b"));
  options.policies.emplace_back("device_resident");
  EXPECT_TRUE(make_plan(options, catalog, platform).warnings().empty());
  options.policies.pop_back();
  Options whole = options;
  whole.slice_bytes = std::uint64_t{100} << 30;  // nothing is left out
  EXPECT_TRUE(make_plan(whole, catalog, platform).warnings().empty());
  options.suite = "decode";
  EXPECT_TRUE(make_plan(options, catalog, platform).warnings().empty());
}

TEST(Plan, SkipsPartlyResidentModelsWithoutAGpu) {
  const Catalog catalog = make_catalog();
  Options options = model_options();
  options.rules.cpu_offload_gb = 2;
  const Plan plan = make_plan(options, catalog, testing::cpu_machine());
  EXPECT_TRUE(plan.cases.empty());
  ASSERT_FALSE(plan.skipped.empty());
  EXPECT_TRUE(contains(plan.skipped.front().reason, "stays in GPU memory, and there is no GPU"));
}

TEST(PlanText, WritesCsvAsDataOnly) {
  const Catalog catalog = testing::fake_catalog();
  Options options = options_for("managed_demand");
  options.format = Format::csv;
  const Platform platform = testing::gpu_machine();
  EXPECT_EQ(plan_text(make_plan(options, catalog, platform), options, platform),
            "case,bytes,host_bytes,managed_bytes,device_bytes\n"
            "gemv/managed_demand/toy.w/cold,16777216,0,16777216,0\n"
            "gemv/managed_demand/toy.w/warm,16777216,0,16777216,0\n");
}

}  // namespace
}  // namespace offload
