// SPDX-License-Identifier: Apache-2.0
// Policies over the files of a model itself: each brings the model's own bytes to the GPU, wherever
// in the file they lie, and says so when somebody cuts them off.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/case_runner.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/plan.hpp"
#include "bench/platform/probe.hpp"
#include "offload/error.hpp"
#include "tests/unit/stored_model.hpp"

namespace offload {
namespace {

using testing::StoredModel;

class OwnFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!platform_.gpu) GTEST_SKIP() << platform_.gpu_absent_reason;
  }
  Plan plan(const StoredModel& model) const {
    Options options = of(model, {"stream_read", "row_gather", "gemv", "gemm", "decode"});
    options.tokens = {1, 64};
    options.chunks = {512};
    return make_plan(options, catalog_, platform_);
  }
  static Options of(const StoredModel& model, std::vector<std::string> workloads) {
    Options options;
    options.models = {model.directory()};
    options.content = ContentOf::model;
    options.policies = {"file", "pinned_copy", "pinned_zero_copy"};
    options.workloads = std::move(workloads);
    return options;
  }
  /// The policies whose cases passed.
  std::set<std::string_view> measure(const Plan& plan) {
    const Calibration calibration;
    WallTime wall;
    Session session(platform_, 0);
    Loop loop(session, calibration, wall);
    std::set<std::string_view> measured;
    for (const Case& item : plan.cases) {
      SCOPED_TRACE(item.name());
      loop.prepare(item);
      EXPECT_GT(loop.sample(), 0);
      loop.verify();
      measured.insert(item.policy->name);
    }
    return measured;
  }
  void expect_all_file_policies(const std::set<std::string_view>& measured) {
    for (const Policy* policy : catalog_.policies) {
      if (policy->family != Family::file || !policy->support(platform_)) continue;
      EXPECT_TRUE(measured.contains(policy->name)) << policy->name;
    }
  }

  Catalog catalog_ = make_catalog();
  Platform platform_ = probe_platform(0);
};

/// Tensors begin at multiples of 16 bytes, or of 8 alone.
TEST_F(OwnFiles, AreReadByEveryPolicy) {
  for (const std::size_t shift : {std::size_t{0}, std::size_t{8}}) {
    SCOPED_TRACE(std::to_string(shift) + " bytes further");
    const StoredModel model(shift);
    expect_all_file_policies(measure(plan(model)));
  }
}

TEST_F(OwnFiles, AreReadInPlaceFromMultiplesOf4Bytes) {
  const StoredModel model(4);
  const Options options = of(model, {"stream_read", "gemv"});
  expect_all_file_policies(measure(make_plan(options, catalog_, platform_)));
}

TEST_F(OwnFiles, ThatAreCutOffFailTheCaseThatCopiesThem) {
  const StoredModel model;
  const Plan plan = this->plan(model);
  const Calibration calibration;
  const Options options;
  WallTime wall;
  Session session(platform_, 0);
  Loop loop(session, calibration, wall);
  const auto item = std::ranges::find_if(plan.cases, [](const Case& one) {
    return one.policy->name == "file_pageable_copy" && one.start == Start::warm;
  });
  ASSERT_NE(item, plan.cases.end());
  CaseRunner runner(loop, options, wall);
  ASSERT_EQ(runner.begin(*item).failure, "");
  std::filesystem::resize_file(model.file(), 0);
  try {
    runner.take_sample();
  } catch (const CudaError& error) {
    EXPECT_TRUE(error.context_dead());
  }
  EXPECT_TRUE(says(runner.current().failure, model.file().string() + " was cut short, from "));
  EXPECT_TRUE(runner.current().samples.empty());
}

}  // namespace
}  // namespace offload
