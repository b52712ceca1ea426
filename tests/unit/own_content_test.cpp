// SPDX-License-Identifier: Apache-2.0
// Cases over a model's own bytes: what is planned, that real values are judged right, and that
// files which change in the middle of a case fail it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/case_runner.hpp"
#include "bench/measure/loop.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/stored_weights.hpp"
#include "offload/error.hpp"
#include "tests/unit/cpu_only.hpp"
#include "tests/unit/messages.hpp"
#include "tests/unit/stored_model.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using testing::StoredModel;

constexpr const char* up_proj = "model.layers.0.mlp.up_proj.weight";

class OwnContent : public ::testing::Test {
 protected:
  static Options options_of(const StoredModel& model, std::vector<std::string> workloads) {
    Options options;
    options.models = {model.directory()};
    options.content = ContentOf::model;
    options.workloads = std::move(workloads);
    options.policies = {"host_compute", "file_host_compute"};
    return options;
  }
  Plan plan(const Options& options) const { return make_plan(options, catalog_, platform_); }

  /// What is wrong with a case; "" when nothing is.
  std::string failure_of(const Case& item) {
    return testing::message_of<std::exception>([&] {
      loop_.prepare(item);
      loop_.sample();
      loop_.verify();
    });
  }
  static const Case& find(const Plan& plan, std::string_view part) {
    return *std::ranges::find_if(
        plan.cases, [&](const Case& item) { return item.name().find(part) != std::string::npos; });
  }

  Platform platform_ = testing::cpu_only();
  Catalog catalog_ = make_catalog();
  Calibration calibration_;
  WallTime wall_;
  Session session_{platform_, 2};
  Loop loop_{session_, calibration_, wall_};
};

TEST_F(OwnContent, IsReadAndJudgedByEveryWorkload) {
  const StoredModel model;
  const Plan plan = this->plan(options_of(model, {"stream_read", "gemv", "gemm", "decode"}));
  std::size_t in_files = 0;
  for (const Case& item : plan.cases) {
    EXPECT_EQ(failure_of(item), "") << item.name();
    if (item.policy->family == Family::file) ++in_files;
  }
  // Of four projections three workloads, and the model; warm at least.
  EXPECT_GE(in_files, 13U);
  const std::vector<WeightFile> files = weight_files(plan.weights);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, model.file().string());
  EXPECT_EQ(files[0].bytes, fs::file_size(model.file()));
}

TEST_F(OwnContent, ThatIsNotWhatWasReadIsFoundByTheResultAlone) {
  StoredModel model;
  const Plan plan = this->plan(options_of(model, {"gemv"}));
  const Case& item = find(plan, "qkv_proj/warm");
  ASSERT_EQ(item.policy->family, Family::file);
  loop_.prepare(item);
  const auto before = fs::last_write_time(model.file());
  constexpr std::uint16_t ten = 0x4120;
  model.set("model.layers.0.self_attn.q_proj.weight", 10 * StoredModel::hidden + 1, ten);
  fs::last_write_time(model.file(), before);  // so that nothing else tells
  const std::string error = testing::message_of<ImplausibleResult>([&] { loop_.verify(); });
  EXPECT_TRUE(says(error, "wrong result: row 10 of qkv_proj: got "));
}

TEST_F(OwnContent, MayHoldValuesThatAreNoNumbers) {
  StoredModel model;
  constexpr std::uint16_t nan = 0x7FC0;
  constexpr std::uint16_t infinity = 0x7F80;
  constexpr std::uint16_t minus_infinity = 0xFF80;
  model.set(up_proj, 5 * StoredModel::hidden, nan);
  model.set(up_proj, 6 * StoredModel::hidden + 3, infinity);
  model.set(up_proj, 7 * StoredModel::hidden, infinity);
  model.set(up_proj, 7 * StoredModel::hidden + 1, minus_infinity);
  const Plan plan = this->plan(options_of(model, {"stream_read", "gemv", "gemm"}));
  for (const Case& item : plan.cases) EXPECT_EQ(failure_of(item), "") << item.name();
}

TEST_F(OwnContent, AtAddressesThatNoKernelIsMadeForIsReadByCopiesAlone) {
  const StoredModel model(2);
  const Plan plan = this->plan(options_of(model, {"gemv"}));
  for (const Case& item : plan.cases) EXPECT_EQ(item.policy->name, "host_compute");
  ASSERT_FALSE(plan.skipped.empty());
  for (const SkippedCase& skipped : plan.skipped) {
    EXPECT_TRUE(says(skipped.reason, "gemv cannot read it in place: model.safetensors holds "));
    EXPECT_TRUE(says(skipped.reason, "no multiple of 4; policies that copy it can"));
  }
}

TEST_F(OwnContent, IsNoContentForAChain) {
  const StoredModel model;
  const Plan plan = this->plan(options_of(model, {"pointer_chase"}));
  EXPECT_TRUE(plan.cases.empty());
  ASSERT_FALSE(plan.skipped.empty());
  EXPECT_EQ(plan.skipped[0].reason,
            "pointer_chase follows a chain that is written into the weights: leave out --content "
            "model");
}

TEST_F(OwnContent, InPartsIsNotReadWholeInPlace) {
  const StoredModel model;
  Options options = options_of(model, {"row_gather"});
  options.chunks = {512};
  const Plan plan = this->plan(options);
  const auto skipped = std::ranges::find_if(plan.skipped, [](const SkippedCase& item) {
    return item.weights.find("qkv_proj") != std::string::npos;
  });
  ASSERT_NE(skipped, plan.skipped.end());
  EXPECT_EQ(skipped->reason,
            "row_gather needs tensors whole, and model.safetensors holds qkv_proj in 3 parts; "
            "policies that copy it can");
  for (const Case& item : plan.cases) EXPECT_EQ(failure_of(item), "") << item.name();
}

TEST_F(OwnContent, ThatIsCutOffMeanwhileFailsItsCases) {
  const StoredModel model;
  const Plan plan = this->plan(options_of(model, {"gemv"}));
  const Case& item = find(plan, "gemv/file_host_compute");
  loop_.prepare(item);
  EXPECT_GT(loop_.sample(), 0);
  fs::resize_file(model.file(), 4096);
  const std::string cut = model.file().string() + " was cut short, from ";
  EXPECT_TRUE(says(testing::message_of<std::runtime_error>([&] { loop_.sample(); }), cut));
  EXPECT_TRUE(says(testing::message_of<std::runtime_error>([&] { loop_.verify(); }), cut));
  EXPECT_TRUE(says(loop_.fault().value_or(""), cut));
  // The next case does not begin on it.
  loop_.clear();
  EXPECT_TRUE(says(failure_of(item), cut));
}

TEST_F(OwnContent, ThatIsCutOffMeanwhileEndsNoOtherCase) {
  const StoredModel model;
  const StoredModel other;
  const Plan cut = this->plan(options_of(model, {"gemv"}));
  const Plan whole = this->plan(options_of(other, {"gemv"}));
  const Options options;
  CaseRunner runner(loop_, options, wall_);
  runner.begin(find(cut, "gemv/file_host_compute"));
  fs::resize_file(model.file(), 0);
  runner.take_sample();
  runner.finish();
  EXPECT_TRUE(says(runner.current().failure, " was cut short, from "));
  EXPECT_TRUE(runner.current().samples.empty());
  runner.begin(find(whole, "gemv/file_host_compute"));
  runner.take_sample();
  runner.finish();
  EXPECT_EQ(runner.current().failure, "");
}

TEST_F(OwnContent, IsOfModelsAlone) {
  Options options;
  options.content = ContentOf::model;
  options.workloads = {"decode"};
  options.models = {"llama3.1-8b"};
  const std::string error =
      testing::message_of<UsageError>([&] { static_cast<void>(plan(options)); });
  EXPECT_TRUE(says(error, "of llama3.1-8b no more than shapes is here"));
}

}  // namespace
}  // namespace offload
