// SPDX-License-Identifier: Apache-2.0
// What is said of cases that several GPUs ran together.
#include "bench/report/together.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/report/csv.hpp"
#include "bench/report/results_file.hpp"
#include "bench/report/summary.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using Json = nlohmann::json;

/// One case of 1000 bytes on GPU 0 alone, on GPU 1 alone, and on both.
class RecordsOfSets : public ::testing::Test {
 protected:
  RecordsOfSets() {
    for (const GpuSet& gpus : {GpuSet{0}, GpuSet{1}, GpuSet{0, 1}}) {
      items_.push_back({catalog_.workload("gemv"), catalog_.policy("pinned_copy"), &weights_,
                        Start::steady, gpus});
    }
    for (const Case& item : items_) {
      CaseResult& result = results_.emplace_back();
      result.item = &item;
      const std::size_t gpus = item.gpus.size();
      result.prepared.bytes = {gpus * 1000, gpus * 1000};
      result.prepared.link_bytes = gpus * 1000;
      result.prepared.footprint.pinned = gpus * 1000;
      result.all_samples = true;
    }
    results_[0].samples = {1e-6};  // 1.0 GB/s
    results_[1].samples = {2e-6};  // 0.5 GB/s
    results_[2].samples = {2e-6};  // 2000 bytes by the slower: 1.0 GB/s
    results_[2].members = {{0, {1.6e-6}, 1000, ""}, {1, {2e-6}, 1000, ""}};
    calibration_.copy_h2d = 1e9;
  }
  std::vector<CaseRecord> records() const {
    return make_records(results_, [this](const Case&) {
      return RecordContext{platform_, calibration_, rules_, tuning_};
    });
  }

  Platform platform_;
  Calibration calibration_;
  OffloadRules rules_;
  Tuning tuning_;
  Catalog catalog_ = make_catalog();
  WeightSet weights_{"w", {{"w", DType::bf16, 10, 50}}};
  std::vector<Case> items_;
  std::vector<CaseResult> results_;
};

TEST_F(RecordsOfSets, CompareWhatTheyGiveWithTheSumAlone) {
  const CaseRecord both = records().at(2);
  EXPECT_DOUBLE_EQ(both.rate(), 1e9);
  ASSERT_TRUE(both.together);
  EXPECT_DOUBLE_EQ(both.together->alone.value(), 1.5e9);
  EXPECT_DOUBLE_EQ(both.together->ratio.value(), 1 / 1.5);
  EXPECT_DOUBLE_EQ(both.members.at(0).rate(), 1000 / 1.6e-6);
  EXPECT_DOUBLE_EQ(both.share_of_link.value(), 0.5);  // of two links
  EXPECT_FALSE(records().at(0).together);
}

TEST_F(RecordsOfSets, CompareNothingWhereOneAloneIsMissing) {
  results_[1].failure = "out of memory";
  const CaseRecord both = records().at(2);
  ASSERT_TRUE(both.together);
  EXPECT_FALSE(both.together->ratio);
}

// Replicas: each GPU makes tokens of its own.
TEST_F(RecordsOfSets, GiveTheTokensOfAllGpus) {
  weights_.slice =
      ModelSlice{.model = "m", .layers = 2, .layers_measured = 1, .offloaded_bytes = 2000};
  for (Case& item : items_) item.workload = catalog_.workload("decode");
  const std::vector<CaseRecord> found = records();
  // A pass over the whole model is two of the slice: 4 us of the slower one.
  EXPECT_DOUBLE_EQ(found[1].model.value().tokens_per_second.value(), 1 / 4e-6);
  EXPECT_DOUBLE_EQ(found[2].model.value().tokens_per_second.value(), 2 / 4e-6);
  EXPECT_EQ(found[2].model.value().memory.pinned, found[1].model.value().memory.pinned);
}

// GPUs that share the model make the tokens of one.
TEST_F(RecordsOfSets, GiveTheTokensOfEachGroupThatSharesTheModel) {
  weights_.slice =
      ModelSlice{.model = "m", .layers = 2, .layers_measured = 1, .offloaded_bytes = 2000};
  weights_.tensor_parallel = 2;
  for (Case& item : items_) item.workload = catalog_.workload("decode");
  EXPECT_DOUBLE_EQ(records().at(1).model.value().tokens_per_second.value(), 1 / 4e-6);
  EXPECT_DOUBLE_EQ(records().at(2).model.value().tokens_per_second.value(), 1 / 4e-6);
  weights_.tensor_parallel = 4;
  EXPECT_FALSE(records().at(2).model.value().tokens_per_second);
}

TEST(ReportOfSeveralGpus, HasEachAndAllOfThemInItsDocument) {
  const Json run = Json::parse(results_json(testing::two_gpu_run()))["offload_bench"];
  ASSERT_EQ(run["gpus"].size(), 2U);
  EXPECT_EQ(run["gpus"][1]["gpu"]["index"], 1);
  EXPECT_EQ(run["gpus"][0]["host_node"], 0);
  EXPECT_TRUE(run["gpus"][1]["host_node"].is_null());
  EXPECT_EQ(run["gpus"][0]["calibration"]["copy_h2d_bytes_per_second"], 62.5e9);
  EXPECT_EQ(run["together"]["start_skew_s"]["max_s"], 6e-6);
  EXPECT_EQ(run["together"]["copy_h2d_bytes_per_second"], 125e9);
  const Json& both = run["cases"][2];
  EXPECT_EQ(both["gpus"], Json({0, 1}));
  EXPECT_EQ(both["members"][1]["gpu"], 1);
  EXPECT_EQ(both["members"][1]["summary"]["median_s"], 1.99e-3);
  EXPECT_EQ(both["together"]["ratio"], 1.0);
  EXPECT_EQ(both["together"]["alone_gb_per_s"], 100.0);
  EXPECT_FALSE(run["cases"][0].contains("members"));
  EXPECT_EQ(run["answers"].size(), 3U);  // of each set
}

TEST(ReportOfSeveralGpus, IsTheSameAsEverWithOne) {
  const Json run = Json::parse(results_json(testing::gpu_run()))["offload_bench"];
  EXPECT_FALSE(run.contains("gpus"));
  EXPECT_FALSE(run.contains("together"));
  EXPECT_FALSE(run["cases"][0].contains("gpus"));
  EXPECT_FALSE(run["cases"][0].contains("members"));
}

TEST(ReportOfSeveralGpus, TellsInATableWhatBeingTogetherCosts) {
  RunRecord run = testing::two_gpu_run();
  run.options.format = Format::md;
  const std::string text = summary_text(run, false);
  for (const char* part :
       {"GPU 0 alone: copy engine 62.5 GB/s, SM reads 50.0 GB/s, its CPUs read 80.0 GB/s; 8 host "
        "threads, memory of node 0",
        "together: copy engines 125 GB/s (100 % of the sum)",
        "CPUs read 80.0 GB/s (50 % of the sum)",
        "they begin within 1.00 us (6.00 us at most) of each other",
        "| policy | start | GPU 0 | GPU 1 | GPUs 0+1 | % of alone |",
        "| pinned_copy | steady | 50.0 | 50.0 | 100 | 100.0 |",
        "| host_compute | steady | 100 | 100 | 100 | 50.0 |",
        "| managed_demand | steady | 10.0 | 10.0 | FAILED | - |",
        "gemv of toy.w, together on GPUs 0+1: pinned_copy keeps 97 % or more of what the GPUs "
        "reach "
        "alone; host_compute keeps 50 %."}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ReportOfSeveralGpus, HasColumnsOfItsOwn) {
  const std::string csv = cases_csv(testing::two_gpu_run().cases);
  EXPECT_NE(csv.find(",gpus,together_alone_bytes_per_second,together_ratio"), std::string::npos);
  EXPECT_NE(csv.find(",0+1,1e+11,1,"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",0+1,2e+11,0.5,"), std::string::npos) << csv;
  EXPECT_NE(csv.find(",1,,,"), std::string::npos) << csv;  // of one GPU there is nothing to say
}

}  // namespace
}  // namespace offload
