// SPDX-License-Identifier: Apache-2.0
// Cases beside other traffic: how they are planned, what is counted, and what is said of them.
#include "bench/report/beside.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/beside/running_traffic.hpp"
#include "bench/measure/case_result.hpp"
#include "bench/measure/gpu_sets.hpp"
#include "bench/measure/plan.hpp"
#include "bench/report/answers.hpp"
#include "bench/report/csv.hpp"
#include "bench/report/results_file.hpp"
#include "kernels/attention.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload {
namespace {

using Json = nlohmann::json;

TEST(ProgressOverTime, GoesOnEvenlyBetweenTimes) {
  ProgressOverTime progress;
  EXPECT_EQ(progress.between(0, 1), 0);
  progress.add(1, 100);
  progress.add(3, 300);
  progress.add(5, 300);  // a pause
  progress.add(6, 400);
  EXPECT_DOUBLE_EQ(progress.between(1.5, 2.5), 100);
  EXPECT_DOUBLE_EQ(progress.between(2, 4), 100);
  EXPECT_DOUBLE_EQ(progress.between(3, 5), 0);
  EXPECT_DOUBLE_EQ(progress.between(0, 9), 300);  // of what is known
  progress.forget_before(5.5);
  EXPECT_DOUBLE_EQ(progress.between(5.5, 6), 50);
  EXPECT_DOUBLE_EQ(progress.newest(), 6);
}

class PlannedBeside : public ::testing::Test {
 protected:
  PlannedBeside() {
    plan_.cases.push_back(
        {catalog_.workload("gemv"), catalog_.policy("pinned_copy"), &weights_, Start::steady});
    options_.beside = {"kv_out", "attention"};
    platform_.gpu.emplace();
    platform_.gpu->free_bytes = 8 * testing::gib;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const Case& item : plan_.cases) found.push_back(item.name());
    return found;
  }

  Catalog catalog_ = make_catalog();
  WeightSet weights_{"w", {{"w", DType::bf16, 10, 50}}};
  Options options_;
  Platform platform_;
  Plan plan_;
};

TEST_F(PlannedBeside, FollowsTheCaseAloneOnEachSetOfGpus) {
  spread_over(gpu_sets({0, 1}), plan_);
  put_beside(options_, platform_, plan_);
  const std::string item = "gemv/pinned_copy/w/steady/gpus:";
  EXPECT_EQ(names(),
            (std::vector{item + "0", item + "0/beside:kv_out", item + "0/beside:attention",
                         item + "1", item + "1/beside:kv_out", item + "1/beside:attention",
                         item + "0+1", item + "0+1/beside:kv_out", item + "0+1/beside:attention"}));
  EXPECT_TRUE(plan_.cases[0].undisturbed());
  EXPECT_FALSE(plan_.cases[1].undisturbed());
  EXPECT_GT(peak_memory(plan_).device, testing::gib);  // the cache that attention reads
}

TEST_F(PlannedBeside, IsSkippedWithoutAGpu) {
  platform_.gpu.reset();
  platform_.gpu_absent_reason = "no driver";
  put_beside(options_, platform_, plan_);
  EXPECT_EQ(names(), std::vector<std::string>{"gemv/pinned_copy/w/steady"});
  ASSERT_EQ(plan_.skipped.size(), 2U);
  EXPECT_EQ(plan_.skipped[0].name, "gemv/pinned_copy/w/steady/beside:kv_out");
  EXPECT_EQ(plan_.skipped[0].reason, "there is no GPU for other traffic: no driver");
}

TEST_F(PlannedBeside, IsRefusedWhereTheTrafficDoesNotFit) {
  options_.attention_kv = 100 * testing::gib;
  const std::string message =
      testing::message_of<UsageError>([&] { put_beside(options_, platform_, plan_); });
  EXPECT_TRUE(message.starts_with("--beside attention: needs 100 GiB of GPU memory and only"))
      << message;
}

TEST_F(PlannedBeside, IsSkippedWhereTheCaseDoesNotFitAsWell) {
  options_.beside = {"attention"};
  options_.attention_kv = 6 * testing::gib;
  const WeightSet large{"large", {{"large", DType::bf16, std::size_t{1} << 17, 8192}}};  // 2 GiB
  plan_.cases.push_back(
      {catalog_.workload("gemv"), catalog_.policy("device_resident"), &large, Start::steady});
  put_beside(options_, platform_, plan_);
  EXPECT_EQ(plan_.cases.size(), 3U);
  ASSERT_EQ(plan_.skipped.size(), 1U);
  EXPECT_EQ(plan_.skipped[0].name, "gemv/device_resident/large/steady/beside:attention");
  EXPECT_TRUE(plan_.skipped[0].reason.starts_with("needs 8 GiB of GPU memory with what attention"))
      << plan_.skipped[0].reason;
}

class RecordsBeside : public ::testing::Test {
 protected:
  RecordsBeside() {
    for (const char* traffic : {"", "kv_out"}) {
      items_.push_back({catalog_.workload("gemv"),
                        catalog_.policy("pinned_copy"),
                        &weights_,
                        Start::steady,
                        {},
                        traffic});
    }
    for (const Case& item : items_) {
      CaseResult& result = results_.emplace_back();
      result.item = &item;
      result.prepared.bytes = {1000, 1000};
      result.prepared.link_bytes = 1000;
      result.all_samples = true;
    }
    results_[0].samples = {1e-6};
    results_[1].samples = {2e-6};
    results_[1].beside = CaseBeside{"kv_out", 0.5, 4096, 40e9, 30e9, {}, {}};
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

TEST_F(RecordsBeside, SayWhatEachDidToTheOther) {
  const std::vector<CaseRecord> all = records();
  EXPECT_FALSE(all[0].beside);
  ASSERT_TRUE(all[1].beside);
  EXPECT_DOUBLE_EQ(all[1].beside->alone.value(), 1e9);
  EXPECT_DOUBLE_EQ(all[1].beside->ratio.value(), 0.5);
  EXPECT_DOUBLE_EQ(all[1].beside->traffic_ratio().value(), 0.75);
  EXPECT_FALSE(all[1].predicted);
}

TEST_F(RecordsBeside, TakePartInNoContest) {
  const std::vector<CaseRecord> all = records();
  EXPECT_EQ(exclusion(all[1]), Exclusion::beside);
  const std::vector<Ranking> rankings = rank(all);
  ASSERT_EQ(rankings.size(), 1U);
  EXPECT_EQ(rankings[0].cases.size(), 1U);
}

TEST_F(RecordsBeside, AreNotComparedWithACaseThatFailed) {
  results_[0].failure = "out of memory";
  const std::vector<CaseRecord> all = records();
  EXPECT_FALSE(all[1].beside->alone);
  EXPECT_FALSE(all[1].beside->ratio);
}

TEST_F(RecordsBeside, KeepTheTrafficsNameWhereTheyFail) {
  results_[1].beside.reset();
  results_[1].failure = "no more memory";
  const CaseRecord failed = records().at(1);
  ASSERT_TRUE(failed.beside);
  EXPECT_EQ(failed.beside->kind, "kv_out");
  EXPECT_FALSE(failed.beside->traffic_ratio());
}

TEST_F(RecordsBeside, AreInATableOfTheirOwn) {
  Page page(Page::Style::markdown);
  write_beside(page, records());
  const std::string text = page.text();
  EXPECT_NE(text.find("Beside kv_out, in units of 4KiB, paced to be busy 50 % of the time alone"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| gemv pinned_copy w steady | 1.00 | 0.500 | 50.0 | 40.0 | 30.0 | 75.0 |"),
            std::string::npos)
      << text;
}

TEST_F(RecordsBeside, HaveColumnsInCsv) {
  const std::string csv = cases_csv(records());
  EXPECT_NE(csv.find(",tensor_parallel,beside,beside_pace,beside_ratio,"
                     "traffic_alone_bytes_per_second,traffic_bytes_per_second"),
            std::string::npos)
      << csv;
  EXPECT_NE(csv.find(",1,kv_out,0.5,0.5,"), std::string::npos) << csv;
}

// One token has all the weight; tokens of equal scores have equal weights.
TEST(ReferenceAttention, WeighsValuesByTheirKeys) {
  constexpr std::uint16_t one = 0x3f80;
  constexpr std::uint16_t three = 0x4040;
  kernels::AttentionShape shape{1, 1};
  std::vector<std::uint16_t> keys(128, one);
  std::vector<std::uint16_t> values(128, three);
  const std::vector<std::uint16_t> queries(4 * 128, one);
  for (const double found :
       reference::decode_attention(keys.data(), values.data(), queries.data(), shape)) {
    EXPECT_DOUBLE_EQ(found, 3);
  }
  shape.tokens = 2;
  keys.resize(256, one);
  values.resize(256, one);
  for (const double found :
       reference::decode_attention(keys.data(), values.data(), queries.data(), shape)) {
    EXPECT_DOUBLE_EQ(found, 2);
  }
}

}  // namespace
}  // namespace offload
