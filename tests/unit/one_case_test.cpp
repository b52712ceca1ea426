// SPDX-License-Identifier: Apache-2.0
// From the name of a case to a plan of that case alone.
#include "bench/measure/plan.hpp"
#include "bench/measure/selection.hpp"

#include <gtest/gtest.h>

#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

using testing::cpu_machine;
using testing::fake_catalog;
using testing::gpu_machine;
using testing::message_of;
using testing::mib;
using Names = std::vector<std::string>;

Options selected(const std::string& name, Options options = {}) {
  options.explain = name;
  const Catalog catalog = fake_catalog();
  select_one_case(options, catalog);
  return options;
}

Names planned(const std::string& name, const Platform& platform, const Options& given = {}) {
  const Options options = selected(name, given);
  const Catalog catalog = fake_catalog();
  Names names;
  for (const Case& item : make_plan(options, catalog, platform).cases) {
    names.push_back(item.name());
  }
  return names;
}

std::string refusal(const std::string& name, const Platform& platform = gpu_machine()) {
  return message_of<UsageError>([&] { planned(name, platform); });
}

TEST(OneCase, IsPlannedAlone) {
  for (const std::string name :
       {"stream_read/managed_demand/64MiB/warm", "gemv/pinned_zero_copy/llama3.1-8b.o_proj/steady",
        "gemv/managed_demand/llama3.1-8b.down_proj.fp8_e4m3/cold",
        "gemv/device_resident/28672x8192/steady"}) {  // as suite gemm has it
    EXPECT_EQ(planned(name, gpu_machine()), Names{name});
  }
}

TEST(OneCase, MayHaveAParameter) {
  const Catalog catalog = make_catalog();
  for (const std::string name :
       {"gemm/tokens:48/host_compute/64MiB/steady",
        "row_gather/chunk:4096/host_compute/1MiB/steady",
        "expert_gather/skew:0.5/host_compute/qwen3-30b-a3b.experts/steady"}) {
    Options options;
    options.explain = name;
    select_one_case(options, catalog);
    const Plan plan = make_plan(options, catalog, cpu_machine());
    ASSERT_EQ(plan.cases.size(), 1U) << name;
    EXPECT_EQ(plan.cases.front().name(), name);
  }
}

TEST(OneCase, ItsNameSelectsIt) {
  const Options options = selected("stream_read/managed_demand/1MiB/cold");
  EXPECT_EQ(options.explain, "stream_read/managed_demand/1MiB/cold");
  EXPECT_EQ(options.workloads, (Names{"stream_read"}));
  EXPECT_EQ(options.policies, (Names{"managed_demand"}));
  EXPECT_EQ(options.sizes, std::vector<std::size_t>{mib});
  EXPECT_EQ(options.starts, std::vector<Start>{Start::cold});
}

TEST(OneCase, LeavesWhatWasGiven) {
  Options given;
  given.tensors = {{"mine", DType::bf16, 64, 64}};
  const std::string name = "gemv/pinned_zero_copy/mine/steady";
  EXPECT_EQ(planned(name, gpu_machine(), given), Names{name});
  EXPECT_EQ(selected("gemv/pinned_zero_copy/64MiB/cold").sizes, std::vector<std::size_t>{64 * mib});
  given.starts = {Start::warm};
  EXPECT_EQ(selected(name, given).starts, std::vector<Start>{Start::warm});
}

TEST(OneCase, LeavesNothingSkippedInThePlan) {
  Options options = selected("stream_read/host_compute/1MiB/steady");
  options.policies.clear();  // without a GPU all others are skipped
  const Catalog catalog = fake_catalog();
  const Plan plan = make_plan(options, catalog, cpu_machine());
  ASSERT_EQ(plan.cases.size(), 1U);
  EXPECT_TRUE(plan.skipped.empty());
}

TEST(OneCase, SaysWhyItCannotBe) {
  for (const std::string name :
       {"stream_read", "stream_read/host_compute/1MiB", "a/b/c/d/e", "stream_read//1MiB/cold",
        "gemm/tokens:/host_compute/1MiB/cold", "gemm/tokens:1/chunk:2/host_compute/1MiB/cold",
        "stream_read/host_compute/1MiB/", "/host_compute/1MiB/cold"}) {
    EXPECT_NE(refusal(name).find("a case is named <workload>/<policy>/<weights>/<start>"),
              std::string::npos)
        << name;
  }
  EXPECT_EQ(refusal("stream_raed/host_compute/1MiB/steady"),
            "unknown workload 'stream_raed': did you mean 'stream_read'?");
  EXPECT_EQ(refusal("stream_read/host_compte/1MiB/steady"),
            "unknown policy 'host_compte': did you mean 'host_compute'?");
  EXPECT_NE(refusal("stream_read/host_compute/1MiB/hot").find("unknown start 'hot'"),
            std::string::npos);
  EXPECT_NE(refusal("gemv/host_compute/llama3.1-8b.up_proj/steady").find("unknown weights"),
            std::string::npos);
  // This policy knows no cold start.
  EXPECT_EQ(refusal("stream_read/host_compute/1MiB/cold"),
            "unknown case 'stream_read/host_compute/1MiB/cold': did you mean "
            "'stream_read/host_compute/1MiB/steady'?");
}

TEST(OneCase, SaysThatThePolicyHasOtherStarts) {
  EXPECT_EQ(refusal("stream_read/managed_demand/1MiB/steady"),
            "no case 'stream_read/managed_demand/1MiB/steady': its policy has other starts, see "
            "list");
}

TEST(OneCase, KeepsTheReasonWhereTheCaseIsSkipped) {
  const std::string name = "stream_read/managed_demand/1MiB/cold";
  const Catalog catalog = fake_catalog();
  const Plan plan = make_plan(selected(name), catalog, cpu_machine());
  EXPECT_TRUE(plan.cases.empty());
  ASSERT_EQ(plan.skipped.size(), 1U);
  EXPECT_EQ(plan.skipped.front().name, name);
  EXPECT_EQ(plan.skipped.front().reason, "no GPU: no CUDA driver");
}

}  // namespace
}  // namespace offload
