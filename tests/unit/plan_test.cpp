// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/catalog.hpp"
#include "bench/core/huge_page.hpp"
#include "bench/core/text.hpp"
#include "bench/measure/plan_memory.hpp"
#include "bench/measure/selection.hpp"
#include "bench/measure/suites.hpp"
#include "offload/error.hpp"
#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

using testing::cpu_machine;
using testing::fake_catalog;
using testing::gib;
using testing::gpu_machine;
using testing::message_of;
using testing::mib;
using Names = std::vector<std::string>;

Names case_names(const Plan& plan) {
  Names names;
  for (const Case& item : plan.cases) names.push_back(item.name());
  return names;
}

Names skip_reasons(const Plan& plan) {
  std::set<std::string> reasons;
  for (const SkippedCase& skipped : plan.skipped) reasons.insert(skipped.reason);
  return {reasons.begin(), reasons.end()};
}

/// The plan and the catalog its cases point into.
struct Planned {
  Catalog catalog = fake_catalog();
  Plan plan;
  Planned(const Options& options, const Platform& platform)
      : plan(make_plan(options, catalog, platform)) {}
};

std::string refusal(const Options& options, const Platform& platform) {
  return message_of<UsageError>([&] { Planned(options, platform); });
}

Options with_sizes(std::vector<std::size_t> sizes) {
  Options options;
  options.sizes = std::move(sizes);
  return options;
}

TEST(Plan, WhatReadsOtherWeightsInEveryPassHasNoWarmStart) {
  Options options;
  options.weights = {"qwen3-30b-a3b.experts"};
  options.workloads = {"expert_gather/skew:0"};
  options.policies = {"managed_demand", "managed_prefer_host", "pinned_zero_copy"};
  const Catalog catalog = make_catalog();
  const Plan plan = make_plan(options, catalog, gpu_machine());
  EXPECT_EQ(case_names(plan),
            (Names{"expert_gather/skew:0/pinned_zero_copy/qwen3-30b-a3b.experts/steady",
                   "expert_gather/skew:0/managed_demand/qwen3-30b-a3b.experts/cold",
                   "expert_gather/skew:0/managed_prefer_host/qwen3-30b-a3b.experts/cold"}));
  EXPECT_EQ(skip_reasons(plan),
            (Names{"expert_gather reads other weights in every pass, which may never have been "
                   "read: --passes shows what stays"}));
}

TEST(Plan, GoesByWeightsThenPolicyThenContentThenStart) {
  Options options = with_sizes({64 * mib, mib});
  options.policies = {"managed_demand", "pinned_zero_copy"};  // the catalog's order prevails
  const Planned planned(options, gpu_machine());
  EXPECT_EQ(case_names(planned.plan), (Names{
                                          "stream_read/pinned_zero_copy/64MiB/steady",
                                          "gemv/pinned_zero_copy/64MiB/steady",
                                          "pointer_chase/pinned_zero_copy/64MiB/steady",
                                          "stream_read/managed_demand/64MiB/cold",
                                          "stream_read/managed_demand/64MiB/warm",
                                          "gemv/managed_demand/64MiB/cold",
                                          "gemv/managed_demand/64MiB/warm",
                                          "pointer_chase/managed_demand/64MiB/cold",
                                          "pointer_chase/managed_demand/64MiB/warm",
                                          "stream_read/pinned_zero_copy/1MiB/steady",
                                          "gemv/pinned_zero_copy/1MiB/steady",
                                          "pointer_chase/pinned_zero_copy/1MiB/steady",
                                          "stream_read/managed_demand/1MiB/cold",
                                          "stream_read/managed_demand/1MiB/warm",
                                          "gemv/managed_demand/1MiB/cold",
                                          "gemv/managed_demand/1MiB/warm",
                                          "pointer_chase/managed_demand/1MiB/cold",
                                          "pointer_chase/managed_demand/1MiB/warm",
                                      }));
  EXPECT_TRUE(planned.plan.skipped.empty());
}

TEST(Plan, QuickRunsEveryPolicyOnARealWeight) {
  const Planned planned(Options{}, gpu_machine());
  const Names names = case_names(planned.plan);
  // Two workloads on the weight and one on a size; four steady policies and one with two starts.
  EXPECT_EQ(names.size(), 3U * 6U);
  EXPECT_NE(
      std::find(names.begin(), names.end(), "gemv/managed_demand/llama3.1-70b.down_proj/cold"),
      names.end());
  EXPECT_EQ(planned.plan.weights.size(), 2U);
}

TEST(Plan, EveryUnsupportedCaseIsListedWithItsReason) {
  const Planned planned(Options{}, cpu_machine());
  for (const Case& item : planned.plan.cases) EXPECT_EQ(item.policy->name, "host_compute");
  EXPECT_EQ(planned.plan.cases.size(), 3U);
  EXPECT_EQ(planned.plan.skipped.size(), 3U * 5U);  // one a start
  EXPECT_EQ(skip_reasons(planned.plan), (Names{"no GPU: no CUDA driver"}));
  const SkippedCase& first = planned.plan.skipped.front();
  EXPECT_EQ(first.name,
            first.workload + "/" + first.policy + "/" + first.weights + "/" + first.start);
}

TEST(Plan, HugePagesAreAskedForOnlyWhereTheyCanBeHad) {
  Options options = with_sizes({huge_page_bytes() / 2, 2 * huge_page_bytes()});
  options.workloads = {"stream_read"};
  options.host_pages = HostPages::huge;
  const Catalog catalog = make_catalog();
  Platform platform = cpu_machine();
  const auto reasons = [&](std::vector<std::string> policies) {
    options.policies = std::move(policies);
    return skip_reasons(make_plan(options, catalog, platform));
  };
  platform.host.transparent_hugepages = "madvise";
  const std::string huge = format_size_rounded(huge_page_bytes());
  EXPECT_EQ(reasons({"host_compute"}),
            (Names{"fills no huge page of " + huge + ", which --host-pages asks for"}));
  platform.host.transparent_hugepages = "never";
  EXPECT_EQ(reasons({"host_compute"}),
            (Names{"the kernel gives no transparent huge pages: their setting is never"}));
  platform = gpu_machine();
  platform.host.transparent_hugepages = "never";
  EXPECT_EQ(reasons({"pinned_zero_copy"}), Names{}) << "cudaHostAlloc's pages are the driver's";
}

TEST(Plan, AWorkloadOfTheSuiteThatCannotReadTheWeightsIsSkipped) {
  Options options;
  options.tensors = {{"bytes", DType::u8, 100, 100}};
  const Planned planned(options, cpu_machine());
  EXPECT_EQ(case_names(planned.plan), (Names{"stream_read/host_compute/bytes/steady",
                                             "pointer_chase/host_compute/bytes/steady"}));
  EXPECT_EQ(skip_reasons(planned.plan), (Names{"no GPU: no CUDA driver", "reads no u8"}));
}

TEST(Plan, AWorkloadNamedWithWeightsItCannotReadIsRefused) {
  Options options;
  options.workloads = {"gemv"};
  options.tensors = {{"bytes", DType::u8, 100, 100}};
  EXPECT_EQ(refusal(options, cpu_machine()), "gemv cannot read bytes: reads no u8");
}

TEST(Plan, AGroupMeansAllItsPolicies) {
  const auto policies_of = [](const std::vector<std::string>& names) {
    Options options = with_sizes({mib});
    options.workloads = {"stream_read"};
    options.policies = names;
    std::set<std::string> found;
    for (const Case& item : make_plan(options, fake_catalog(), gpu_machine()).cases) {
      found.emplace(item.policy->name);
    }
    return found;
  };
  using Set = std::set<std::string>;
  EXPECT_EQ(policies_of({"uva"}), Set{"pinned_zero_copy"});
  EXPECT_EQ(policies_of({"zero-copy"}), Set{"pinned_zero_copy"});
  EXPECT_EQ(policies_of({"uvm", "cpu"}), (Set{"managed_demand", "host_compute"}));
  EXPECT_EQ(policies_of({"managed", "managed_demand", "pageable_copy"}),
            (Set{"managed_demand", "pageable_copy"}));
  Options unknown;
  unknown.policies = {"umv"};
  EXPECT_EQ(refusal(unknown, cpu_machine()), "unknown policy 'umv': did you mean 'uvm'?");
}

TEST(Plan, EveryGroupIsAFamilyAndNoPolicyHasItsName) {
  const Catalog catalog = make_catalog();
  std::set<std::string_view> names;
  std::set<const Policy*> grouped;
  for (const PolicyGroup& group : policy_groups()) {
    EXPECT_EQ(catalog.policy(group.name), nullptr) << group.name;
    EXPECT_TRUE(names.insert(group.name).second) << group.name;
    const std::vector<const Policy*> members = catalog.policies_named(group.name);
    EXPECT_FALSE(members.empty()) << group.name;
    grouped.insert(members.begin(), members.end());
  }
  EXPECT_EQ(grouped.size(), catalog.policies.size()) << "every policy is in one";
  for (const std::string_view family : family_names) EXPECT_TRUE(names.contains(family)) << family;
}

TEST(Plan, UnknownNamesAreRefusedWithASuggestion) {
  Options policy;
  policy.policies = {"managd_demand"};
  EXPECT_EQ(refusal(policy, cpu_machine()),
            "unknown policy 'managd_demand': did you mean 'managed_demand'?");
  Options workload = with_sizes({mib});
  workload.workloads = {"gemw"};
  EXPECT_EQ(refusal(workload, cpu_machine()), "unknown workload 'gemw': did you mean 'gemv'?");
  Options suite;
  suite.suite = "nightly";
  EXPECT_EQ(refusal(suite, cpu_machine()),
            "unknown suite 'nightly': known are quick, full, gemm, decode, prefill, micro");
  Options weights;
  weights.weights = {"llama3.1-8b.dwn_proj"};
  EXPECT_EQ(refusal(weights, cpu_machine()),
            "unknown weights 'llama3.1-8b.dwn_proj': did you mean 'llama3.1-8b.down_proj'?");
}

TEST(Plan, AWorkloadOutsideTheSuiteNeedsWeights) {
  Options options;
  options.suite = "micro";
  options.workloads = {"gemv"};
  EXPECT_NE(refusal(options, cpu_machine()).find("suite micro has no weights for workload gemv"),
            std::string::npos);
  options.sizes = {mib};
  EXPECT_EQ(case_names(Planned(options, cpu_machine()).plan),
            (Names{"gemv/host_compute/1MiB/steady"}));
}

TEST(Plan, WeightsNamedTwiceAreMeasuredOnce) {
  Options options = with_sizes({mib, mib});
  options.workloads = {"stream_read"};
  options.weights = {"llama3.1-8b.o_proj", "meta-llama/Llama-3.1-8B.o_proj"};
  const Planned planned(options, cpu_machine());
  EXPECT_EQ(case_names(planned.plan), (Names{"stream_read/host_compute/llama3.1-8b.o_proj/steady",
                                             "stream_read/host_compute/1MiB/steady"}));
}

TEST(Plan, TwoWeightsOfOneNameAreRefused) {
  Options options;
  options.tensors = {{"a", DType::bf16, 8, 8}, {"a", DType::bf16, 8, 16}};
  EXPECT_EQ(refusal(options, cpu_machine()),
            "two different weights are named 'a': give one another name");
}

TEST(Plan, StartsKeepPoliciesForWhichTheyAreTheSame) {
  Options options = with_sizes({mib});
  options.workloads = {"stream_read"};
  options.policies = {"pinned_zero_copy", "managed_demand"};
  options.starts = {Start::cold};
  EXPECT_EQ(
      case_names(Planned(options, gpu_machine()).plan),
      (Names{"stream_read/pinned_zero_copy/1MiB/steady", "stream_read/managed_demand/1MiB/cold"}));
  options.starts = {Start::steady};
  EXPECT_EQ(case_names(Planned(options, gpu_machine()).plan),
            (Names{"stream_read/pinned_zero_copy/1MiB/steady"}));
}

TEST(RealPlan, EverySuiteReadsItsWeightsByEveryWorkloadTheCpuCanDo) {
  const Catalog catalog = make_catalog();
  // The CPU takes up to 256 tokens.
  const auto too_many = [](const std::string& label) {
    const auto [name, parameter, value] = split_label(label);
    return parameter == "tokens" && std::stoul(std::string(value)) > 256;
  };
  for (const Suite& suite : suites()) {
    Options options;
    options.suite = suite.name;
    options.policies = {"host_compute"};
    std::set<std::string> expected;
    std::set<std::string> left_out;
    for (const Selection& selection : select_weights(options, catalog)) {
      for (const std::string& workload : selection.workloads) {
        (too_many(workload) ? left_out : expected)
            .insert(workload + "/host_compute/" + selection.weights.name + "/steady");
      }
    }
    const Plan plan = make_plan(options, catalog, cpu_machine());
    const Names names = case_names(plan);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), expected) << suite.name;
    EXPECT_EQ(names.size(), expected.size());
    std::set<std::string> skipped;
    for (const SkippedCase& item : plan.skipped) {
      skipped.insert(item.name);
      EXPECT_NE(item.reason.find("too many tokens for the CPU"), std::string::npos) << item.reason;
    }
    EXPECT_EQ(skipped, left_out) << suite.name;
  }
}

TEST(RealPlan, QuickHasEveryPolicyOfThisGpuAndEndsWithinAMinute) {
  const Catalog catalog = make_catalog();
  const Options options;
  for (const Platform& platform : {gpu_machine(), cpu_machine()}) {
    const Plan plan = make_plan(options, catalog, platform);
    std::set<std::string> policies;
    for (const Case& item : plan.cases) policies.emplace(item.policy->name);
    for (const SkippedCase& skipped : plan.skipped) policies.insert(skipped.policy);
    std::set<std::string> expected;
    for (const Policy* policy : catalog.policies) {
      const bool asked_for = policy->family == Family::file || policy->family == Family::peer;
      if (!asked_for) expected.emplace(policy->name);
    }
    EXPECT_EQ(policies, expected);
    EXPECT_LT(estimated_seconds(plan, options, platform), 60);
  }
}

TEST(RealPlan, FilesAreMeasuredByFullAndWhereTheyAreNamed) {
  const Catalog catalog = make_catalog();
  const auto has_files = [&](const char* suite, const Names& policies) {
    Options options = with_sizes({mib});
    options.suite = suite;
    options.policies = policies;
    options.workloads = {"stream_read"};
    const Plan plan = make_plan(options, catalog, cpu_machine());
    return std::any_of(plan.cases.begin(), plan.cases.end(),
                       [](const Case& item) { return item.policy->family == Family::file; });
  };
  EXPECT_TRUE(has_files("full", {}));
  EXPECT_FALSE(has_files("quick", {}));
  EXPECT_FALSE(has_files("micro", {}));
  EXPECT_TRUE(has_files("quick", {"file"}));
  EXPECT_TRUE(has_files("micro", {"file_host_compute"}));
}

TEST(RealPlan, WhatCannotStartIsSkippedWithTheReason) {
  Catalog catalog = fake_catalog();
  Policy row = *catalog.policy("host_compute");
  row.starts = cold_and_warm;
  row.can_start = [](const WeightSet&, const Tuning& tuning, Start start) {
    return start == Start::cold ? Support::no("not in " + tuning.file_directory) : Support::yes();
  };
  catalog.policies = {&row};
  Options options = with_sizes({mib});
  options.workloads = {"stream_read"};
  options.tuning.file_directory = "here";
  const Plan plan = make_plan(options, catalog, cpu_machine());
  EXPECT_EQ(case_names(plan), (Names{"stream_read/host_compute/1MiB/warm"}));
  EXPECT_EQ(skip_reasons(plan), (Names{"not in here"}));
}

TEST(PlanMemory, TheReserveIsAShareWithinBounds) {
  Host host;
  host.available_bytes = 200 * gib;
  EXPECT_EQ(host_memory_limit(host), 190 * gib);  // 5 %
  host.available_bytes = 8 * gib;
  EXPECT_EQ(host_memory_limit(host), 7 * gib);  // 1 GiB
  host.available_bytes = gib;
  EXPECT_EQ(host_memory_limit(host), 768 * mib);  // a quarter
}

TEST(PlanMemory, ACgroupLimitCountsWhatItHasLeft) {
  Host host;
  host.available_bytes = 100 * gib;
  host.cgroup_limit_bytes = 10 * gib;
  host.cgroup_used_bytes = 2 * gib;
  EXPECT_EQ(host_memory_limit(host), 7 * gib);
  host.cgroup_used_bytes = 11 * gib;  // over its limit: nothing is left
  EXPECT_EQ(host_memory_limit(host), 0U);
}

TEST(PlanMemory, WhatTheGpuHasFreeIsAskedWhereItIsTrue) {
  Platform platform;
  Gpu& gpu = platform.gpu.emplace();
  gpu.memory_bytes = 96 * gib;
  gpu.free_bytes = 8 * gib;  // page cache on the GPU would be missing from it
  EXPECT_EQ(gpu_memory_limit(platform), 7 * gib);
  gpu.memory_model.pageable_memory_access_uses_host_page_tables = true;
  EXPECT_EQ(gpu_memory_limit(platform), 96 * gib - 96 * gib / 20);  // nobody knows
  gpu.memory_model.gpu_is_numa_node = false;                        // the driver's alone
  EXPECT_EQ(gpu_memory_limit(platform), 7 * gib);
  gpu.memory_model.gpu_is_numa_node = true;
  gpu.memory_model.gpu_numa_id = 1;
  platform.host.settings.nodes = {{0, 480 * gib, 300 * gib, {0}, false, {}},
                                  {1, 96 * gib, 40 * gib, {}, true, {}}};
  EXPECT_EQ(gpu_memory_limit(platform), 38 * gib);
}

TEST(PlanMemory, OneMemoryHoldsBothSides) {
  Platform platform = gpu_machine();
  platform.gpu->memory_model.shares_host_memory = true;
  platform.gpu->free_bytes = 1 * gib;
  platform.host.available_bytes = 40 * gib;
  EXPECT_EQ(gpu_memory_limit(platform), 38 * gib);
}

TEST(PlanMemory, PinnedMemoryAndItsMasterCopyMustFitTheHost) {
  Platform platform = gpu_machine();
  platform.host.available_bytes = 8 * gib;
  Options options = with_sizes({4 * gib});
  options.workloads = {"stream_read"};
  options.policies = {"pinned_zero_copy"};
  const std::string text = refusal(options, platform);
  EXPECT_EQ(text,
            "pinned_zero_copy of 4GiB needs 8 GiB of host memory (4 GiB master copy + 4 GiB "
            "pinned) and only 7 GiB can be taken");
  options.sizes = {3 * gib};
  EXPECT_EQ(refusal(options, platform), "");
  // A second content is a second master copy.
  options.workloads = {"stream_read", "pointer_chase"};
  EXPECT_NE(refusal(options, platform).find("6 GiB master copy"), std::string::npos);
}

TEST(PlanMemory, APolicyThatDoesNotFitIsSkippedBesideOnesThatDo) {
  Platform platform = gpu_machine();
  platform.host.available_bytes = 8 * gib;
  Options options = with_sizes({4 * gib});
  options.workloads = {"stream_read"};
  options.policies = {"device_resident", "pinned_zero_copy"};
  const Planned planned(options, platform);
  EXPECT_EQ(case_names(planned.plan), (Names{"stream_read/device_resident/4GiB/steady"}));
  ASSERT_EQ(planned.plan.skipped.size(), 1U);
  EXPECT_EQ(planned.plan.skipped[0].name, "stream_read/pinned_zero_copy/4GiB/steady");
  EXPECT_NE(planned.plan.skipped[0].reason.find("needs 8 GiB of host memory"), std::string::npos);
}

TEST(PlanMemory, ASizeBeyondTheMachineIsRefusedUnderAnyPolicy) {
  for (const std::size_t bytes : {std::size_t{100} << 40, ~std::size_t{0}, ~std::size_t{0} - 1}) {
    EXPECT_NE(refusal(with_sizes({bytes}), cpu_machine()).find("of host memory under any policy"),
              std::string::npos);
  }
}

TEST(PlanMemory, WhereAModelLiesIsShownOnAMachineThatCannotHoldIt) {
  Platform platform = cpu_machine();
  platform.host.available_bytes = 1 * gib;
  Options options;
  options.models = {"llama3.1-8b"};
  options.workloads = {"decode"};
  const Catalog catalog = make_catalog();
  EXPECT_THROW(make_plan(options, catalog, platform), UsageError);
  options.action = Action::plan;
  const Plan plan = make_plan(options, catalog, platform);
  EXPECT_TRUE(plan.cases.empty());
  ASSERT_EQ(plan.models.size(), 1U);
  EXPECT_TRUE(std::ranges::any_of(plan.skipped, [](const SkippedCase& item) {
    return item.reason.find("of host memory") != std::string::npos;
  }));
}

TEST(PlanMemory, OversubscriptionOfNamedWeightsNeedsPermission) {
  Platform platform = gpu_machine();
  platform.gpu->free_bytes = 4 * gib;
  Options options = with_sizes({8 * gib});
  options.workloads = {"stream_read"};
  options.policies = {"managed_demand", "pinned_zero_copy"};
  const std::string text = refusal(options, platform);
  EXPECT_NE(text.find("managed_demand of 8GiB would oversubscribe the GPU"), std::string::npos);
  EXPECT_NE(text.find("--allow-oversubscription"), std::string::npos);
  options.allow_oversubscription = true;
  EXPECT_EQ(Planned(options, platform).plan.cases.size(), 3U);
}

TEST(PlanMemory, OversubscriptionInASuiteIsSkipped) {
  Platform platform = gpu_machine();
  platform.gpu->free_bytes = 100 * mib;
  const Planned planned(Options{}, platform);  // 112 MiB of weights in the suite
  EXPECT_FALSE(planned.plan.cases.empty());
  std::size_t oversubscribing = 0;
  for (const SkippedCase& skipped : planned.plan.skipped) {
    if (skipped.policy != "managed_demand") continue;
    EXPECT_NE(skipped.reason.find("would oversubscribe the GPU"), std::string::npos);
    ++oversubscribing;
  }
  EXPECT_EQ(oversubscribing, 4U);  // gemv and stream_read, cold and warm; 64 MiB still fit
}

TEST(PlanMemory, OversubscriptionNeverExcusesAllocatedGpuMemory) {
  Platform platform = gpu_machine();
  platform.gpu->free_bytes = 4 * gib;
  Options options = with_sizes({8 * gib});
  options.policies = {"device_resident"};
  options.allow_oversubscription = true;
  EXPECT_NE(refusal(options, platform).find("needs 8 GiB of GPU memory and only 3 GiB"),
            std::string::npos);
}

TEST(PlanMemory, PeakCountsMastersAndOneBufferOfEachAllocator) {
  Options options = with_sizes({mib, 64 * mib});
  options.workloads = {"stream_read", "pointer_chase"};
  const Planned planned(options, gpu_machine());
  const PeakMemory peak = peak_memory(planned.plan);
  // Two contents, and one buffer each of pinned, malloc (shared by two policies) and managed.
  EXPECT_EQ(peak.host, std::size_t{2 + 3} * 64 * mib);
  EXPECT_EQ(peak.device, 64 * mib);
  EXPECT_EQ(peak_memory(Plan{}).host, 0U);
}

TEST(PlanEstimate, GrowsWithSamplesAndSizeAndIsFinite) {
  Options options = with_sizes({64 * mib});
  const Platform platform = gpu_machine();
  const Planned small(options, platform);
  const double base = estimated_seconds(small.plan, options, platform);
  EXPECT_GT(base, 0);
  options.samples *= 10;
  EXPECT_GT(estimated_seconds(small.plan, options, platform), base);
  options = with_sizes({gib});
  const Planned large(options, platform);
  EXPECT_GT(estimated_seconds(large.plan, options, platform), base);
  EXPECT_GT(estimated_seconds(Plan{}, options, platform), 0);  // calibration remains
}

TEST(PlanEstimate, TheLinkBoundPartFollowsTheLink) {
  Options options = with_sizes({gib});
  options.workloads = {"stream_read"};
  options.policies = {"pinned_zero_copy"};
  options.samples = 11;
  Platform fast = gpu_machine();
  Platform slow = gpu_machine();
  slow.link->peak_bytes_per_second = 6.3e9;
  const Planned planned(options, fast);
  const double difference = estimated_seconds(planned.plan, options, slow) -
                            estimated_seconds(planned.plan, options, fast);
  // Eleven samples, two passes before them and one after, at nine times the difference of 80 % of
  // the peak.
  const double pass = static_cast<double>(gib) / (0.8 * 63e9);
  EXPECT_NEAR(difference, 14 * 9 * pass, 1e-6);
}

}  // namespace
}  // namespace offload
