// SPDX-License-Identifier: Apache-2.0
// Evidence of real policies against what is known of them beforehand.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/loop.hpp"
#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class EvidencePasses : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    platform_ = probe_platform(0);
    session_ = std::make_unique<Session>(platform_, 0);
    loop_ = std::make_unique<Loop>(*session_, calibration_, wall_);
  }

  /// Lets evidence() run passes of its own.
  void be_thorough() {
    LoopOptions options;
    options.thorough = true;
    loop_ = std::make_unique<Loop>(*session_, calibration_, wall_, options);
  }

  /// Empty, and the test skipped, where this GPU does not support the policy.
  std::optional<Case> item(const char* policy, Start start, const char* workload = "stream_read") {
    const Policy* const found = catalog_.policy(policy);
    const Support support = found->support(platform_);
    if (!support) {
      skipped_ = support.reason();
      return std::nullopt;
    }
    return Case{catalog_.workload(workload), found, &weights_, start};
  }
  std::vector<double> samples(int count) {
    std::vector<double> all;
    for (int i = 0; i < count; ++i) all.push_back(loop_->sample());
    std::ranges::sort(all);
    return all;
  }

  const Catalog catalog_ = make_catalog();
  const WeightSet weights_{"w", {{"w", DType::bf16, 16384, 4096}}};  // 128 MiB: counted in parts
  const Calibration calibration_;
  Platform platform_;
  WallTime wall_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Loop> loop_;
  std::string skipped_;
};

constexpr double link_margin = 0.03;

TEST_F(EvidencePasses, ZeroCopyBringsEveryByteOverTheLinkOnceAndTheDriverSleeps) {
  if (platform_.link && platform_.link->kind != "pcie") GTEST_SKIP() << "NVML counts PCIe alone";
  for (const char* policy : {"pinned_zero_copy", "writecombined_zero_copy", "registered_zero_copy",
                             "hostvmm_zero_copy", "pinned_copy"}) {
    SCOPED_TRACE(policy);
    const auto zero_copy = item(policy, Start::steady);
    if (!zero_copy) continue;
    const PreparedCase prepared = loop_->prepare(*zero_copy);
    const Evidence found = loop_->evidence();
    ASSERT_TRUE(found.link.value) << found.link.reason;
    ASSERT_TRUE(found.link.value->payload_to_device);
    const auto asked = static_cast<double>(prepared.bytes.requested);
    EXPECT_NEAR(*found.link.value->payload_to_device / asked, 1, link_margin);
    EXPECT_GT(found.link.value->wire_to_device, *found.link.value->payload_to_device);
    ASSERT_TRUE(found.cpu.value);
    ASSERT_TRUE(found.cpu.value->driver) << "no thread of the driver is visible";
    EXPECT_LT(*found.cpu.value->driver, 1e-3);
    ASSERT_TRUE(found.residency.value) << found.residency.reason;
    EXPECT_EQ(found.residency.value->not_on_cpu, 0U);
    // And the driver's counters, which say so by design, say so when asked.
    const Observed<UmTraffic> traffic = loop_->counted().traffic(*zero_copy);
    if (!traffic.value) continue;
    EXPECT_EQ(traffic.value->to_device.total(), 0U);
    EXPECT_EQ(traffic.value->to_host.total(), 0U);
    EXPECT_EQ(traffic.value->gpu_fault_groups, 0U);
    EXPECT_EQ(traffic.value->remote_maps, 0U);
  }
}

TEST_F(EvidencePasses, ResidentWeightsCrossNothing) {
  if (platform_.link && platform_.link->kind != "pcie") GTEST_SKIP() << "NVML counts PCIe alone";
  const auto resident = item("device_resident", Start::steady);
  ASSERT_TRUE(resident);
  loop_->prepare(*resident);
  const Evidence found = loop_->evidence();
  ASSERT_TRUE(found.link.value) << found.link.reason;
  EXPECT_LT(found.link.value->wire_to_device, 0.01 * static_cast<double>(weights_.bytes()));
  EXPECT_EQ(found.residency.state, EvidenceState::zero_by_design);
}

TEST_F(EvidencePasses, AColdPrefetchMovesExactlyTheWeightsAndAWarmPassNothing) {
  for (const char* policy : {"managed_prefetch_each", "managed_readmostly_prefetch"}) {
    SCOPED_TRACE(policy);
    const auto cold = item(policy, Start::cold);
    if (!cold) GTEST_SKIP() << skipped_;
    const Observed<UmTraffic> traffic = loop_->counted().traffic(*cold);
    if (!traffic.value) GTEST_SKIP() << traffic.reason;
    EXPECT_EQ(traffic.value->to_device.total(), weights_.bytes());
    EXPECT_EQ(traffic.value->to_device.prefetch, weights_.bytes());
    EXPECT_EQ(traffic.value->bytes_read, weights_.bytes());
    EXPECT_EQ(traffic.value->gpu_fault_groups, 0U);
    const Observed<UmTraffic> warm = loop_->counted().traffic(*item(policy, Start::warm));
    ASSERT_TRUE(warm.value) << warm.reason;
    EXPECT_EQ(warm.value->to_device.total(), 0U);
    EXPECT_EQ(warm.value->to_host.total(), 0U);
  }
}

TEST_F(EvidencePasses, AColdDemandStreamMovesTheWeightsByFaultsAndAWarmPassNothing) {
  for (const char* policy :
       {"managed_demand", "managed_readmostly_demand", "managed_prefer_device"}) {
    SCOPED_TRACE(policy);
    const auto cold = item(policy, Start::cold);
    if (!cold) GTEST_SKIP() << skipped_;
    const Observed<UmTraffic> traffic = loop_->counted().traffic(*cold);
    if (!traffic.value) GTEST_SKIP() << traffic.reason;
    const auto bytes = static_cast<double>(weights_.bytes());
    EXPECT_GE(static_cast<double>(traffic.value->to_device.total()), bytes);
    EXPECT_LE(static_cast<double>(traffic.value->to_device.total()), 1.1 * bytes);
    EXPECT_EQ(traffic.value->to_device.prefetch, 0U);
    EXPECT_GT(traffic.value->gpu_fault_groups, 0U);
    const Observed<UmTraffic> warm = loop_->counted().traffic(*item(policy, Start::warm));
    ASSERT_TRUE(warm.value) << warm.reason;
    EXPECT_EQ(warm.value->to_device.total(), 0U);
    EXPECT_EQ(warm.value->gpu_fault_groups, 0U);
  }
}

/// Counted at once, cases say what they say one by one; a case whose records were lost says
/// nothing.
TEST_F(EvidencePasses, CasesCountedAtOnceAreCountedApart) {
  const WeightSet small{"small", {{"small", DType::bf16, 2048, 4096}}};  // 16 MiB
  for (const char* policy :
       {"managed_prefetch_each", "managed_demand", "managed_readmostly_demand"}) {
    SCOPED_TRACE(policy);
    if (!item(policy, Start::cold)) GTEST_SKIP() << skipped_;
    std::vector<Case> cases;
    for (const Start start : {Start::cold, Start::warm, Start::cold}) {
      cases.push_back(*item(policy, start));
      cases.back().weights = &small;
    }
    cases.back().workload = catalog_.workload("row_gather");
    const std::vector<std::optional<UmTraffic>> found = loop_->counted().traffic_at_once(cases);
    ASSERT_EQ(found.size(), 3U);
    if (!found[0] || !found[1] || !found[2]) GTEST_SKIP() << "records were lost";
    EXPECT_EQ(found[0]->to_device.total(), small.bytes());
    EXPECT_EQ(found[0]->bytes_read, small.bytes());
    EXPECT_EQ(found[1]->to_device.total(), 0U);
    EXPECT_EQ(found[2]->to_device.total(), small.bytes());  // chunks of 4 KiB are all over it
    EXPECT_EQ(found[2]->bytes_read, small.bytes() / 8);
  }
}

TEST_F(EvidencePasses, FaultsCostTheDriversThreadTimeAndMoveThePages) {
  const auto cold = item("managed_demand", Start::cold);
  if (!cold) GTEST_SKIP() << skipped_;
  loop_->prepare(*cold);
  const double pass = loop_->sample();
  const Evidence found = loop_->evidence();
  ASSERT_TRUE(found.cpu.value);
  ASSERT_TRUE(found.cpu.value->driver) << "no thread of the driver is visible";
  EXPECT_GT(*found.cpu.value->driver, 0.3 * pass);  // one thread serves all faults
  ASSERT_TRUE(found.residency.value) << found.residency.reason;
  EXPECT_EQ(found.residency.value->not_on_cpu, found.residency.value->pages_asked);
  EXPECT_EQ(found.residency.value->not_on_cpu_before, std::nullopt);
  EXPECT_FALSE(found.link.value && found.link.value->payload_to_device);
}

TEST_F(EvidencePasses, OfAWarmCaseAreOnTheGpuBeforeItsSamplesToo) {
  const auto warm = item("managed_demand", Start::warm);
  if (!warm) GTEST_SKIP() << skipped_;
  loop_->prepare(*warm);
  loop_->sample();
  const Evidence found = loop_->evidence();
  ASSERT_TRUE(found.residency.value) << found.residency.reason;
  EXPECT_EQ(found.residency.value->not_on_cpu, found.residency.value->pages_asked);
  EXPECT_EQ(found.residency.value->not_on_cpu_before, found.residency.value->pages_asked);
}

TEST_F(EvidencePasses, PagesThatPreferTheCpuStayThere) {
  const auto cold = item("managed_prefer_host", Start::cold);
  if (!cold) GTEST_SKIP() << skipped_;
  const Observed<UmTraffic> traffic = loop_->counted().traffic(*cold);
  if (traffic.value) {
    EXPECT_EQ(traffic.value->to_device.total(), 0U);
    EXPECT_GT(traffic.value->remote_maps, 0U);
  }
  loop_->prepare(*cold);
  const Evidence found = loop_->evidence();
  ASSERT_TRUE(found.residency.value) << found.residency.reason;
  EXPECT_EQ(found.residency.value->not_on_cpu, 0U);
}

TEST_F(EvidencePasses, EnergyIsThatOfAGpuAtWork) {
  const WeightSet large{"large", {{"large", DType::bf16, 32768, 4096}}};  // 256 MiB
  const Case steady{catalog_.workload("stream_read"), catalog_.policy("pinned_zero_copy"), &large,
                    Start::steady};
  be_thorough();
  loop_->prepare(steady);
  const Evidence found = loop_->evidence();
  if (!found.energy.value) GTEST_SKIP() << found.energy.reason;
  const Energy& energy = *found.energy.value;
  EXPECT_GT(energy.watts, 20);
  EXPECT_LT(energy.watts, 1500);
  EXPECT_GT(energy.seconds, 0.09);  // a period of 0.1 s, as it was measured
  EXPECT_GT(energy.joules, 0);
}

/// Samples before and after evidence was taken are the same, but for their spread.
TEST_F(EvidencePasses, LeaveNoTraceInTimedSamples) {
  be_thorough();
  for (const auto& [policy, start] :
       {std::pair{"pinned_zero_copy", Start::steady}, std::pair{"managed_demand", Start::cold}}) {
    SCOPED_TRACE(policy);
    const auto measured = item(policy, start);
    if (!measured) continue;
    constexpr int count = 15;
    loop_->prepare(*measured);
    const std::vector<double> before = samples(count);
    (void)loop_->evidence();
    const std::vector<double> after = samples(count);
    const double spread = std::max(before.back() - before.front(), after.back() - after.front());
    EXPECT_LT(std::abs(after[count / 2] - before[count / 2]), spread);
  }
}

TEST_F(EvidencePasses, ASeriesFromColdWarmsUp) {
  const auto cold = item("managed_demand", Start::cold);
  if (!cold) GTEST_SKIP() << skipped_;
  loop_->prepare(*cold);
  const PassSeries series = loop_->series(4);
  ASSERT_EQ(series.seconds.size(), 4U);
  EXPECT_LT(series.seconds[1], 0.5 * series.seconds[0]);
  const auto traffic = loop_->counted().series(*cold, 3);
  if (!traffic.value) GTEST_SKIP() << traffic.reason;
  ASSERT_EQ(traffic.value->size(), 3U);
  EXPECT_GE((*traffic.value)[0].to_device.total(), weights_.bytes());
  EXPECT_EQ((*traffic.value)[1].to_device.total(), 0U);
  EXPECT_EQ((*traffic.value)[2].to_device.total(), 0U);
}

}  // namespace
}  // namespace offload
