// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/calibration.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/catalog.hpp"
#include "bench/measure/case_rates.hpp"
#include "bench/measure/plan.hpp"
#include "bench/measure/session.hpp"
#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

/// One calibration, which takes seconds, is looked at by all.
class Calibrated : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  }

  static const Platform& platform() {
    static const Platform machine = probe_platform(0);
    return machine;
  }
  static const Calibration& calibration() {
    static const Calibration found = [] {
      cuda::set_device(0);
      Session session(platform(), 0);
      WallTime wall;
      return calibrate(session, wall, [] {});
    }();
    return found;
  }
};

TEST_F(Calibrated, FindsWhatCopiesAndTheCpuReachBesideEachOther) {
  const Calibration& found = calibration();
  ASSERT_TRUE(found.copy_h2d && found.copy_h2d_beside_host && found.host_read_beside_copy);
  constexpr double noise = 1.05;
  EXPECT_LT(*found.copy_h2d_beside_host, noise * *found.copy_h2d);
  EXPECT_LT(*found.host_read_beside_copy, noise * found.host_read);
  EXPECT_GT(*found.copy_h2d_beside_host, 0.1 * *found.copy_h2d);
  EXPECT_GT(*found.host_read_beside_copy, 0.1 * found.host_read);
}

TEST_F(Calibrated, FindsWhatTheLinkCarriesTheOtherWayAndBothWays) {
  const Calibration& found = calibration();
  ASSERT_TRUE(found.sm_write_pinned && found.copy_h2d_beside_d2h && found.copy_d2h_beside_h2d);
  constexpr double noise = 1.05;
  ASSERT_TRUE(platform().link && platform().link->peak_bytes_per_second);
  EXPECT_LT(*found.sm_write_pinned, *platform().link->peak_bytes_per_second);
  EXPECT_GT(*found.sm_write_pinned, 0.3 * *found.copy_d2h);
  EXPECT_LT(*found.copy_h2d_beside_d2h, noise * *found.copy_h2d);
  EXPECT_LT(*found.copy_d2h_beside_h2d, noise * *found.copy_d2h);
  // A link carries both ways at once: together more than either alone.
  EXPECT_GT(*found.copy_h2d_beside_d2h + *found.copy_d2h_beside_h2d,
            noise * std::max(*found.copy_h2d, *found.copy_d2h));
  EXPECT_EQ(found.host_read_of_gpu_memory.has_value(),
            platform().gpu->memory_model.direct_managed_access_from_host);
}

TEST_F(Calibrated, FindsWhatBeginningCosts) {
  const Calibration& found = calibration();
  ASSERT_TRUE(found.copy_start && found.launch && found.hand_over && found.copy_pageable);
  // A kernel and a turn take microseconds everywhere; a copy's start may vanish in its bytes' time.
  EXPECT_GE(*found.copy_start, 0);
  EXPECT_LT(*found.copy_start, 100e-6);
  EXPECT_GT(*found.launch, 0.1e-6);
  EXPECT_LT(*found.launch, 100e-6);
  EXPECT_GT(*found.hand_over, 1e-6);
  EXPECT_LT(*found.hand_over, 1e-3);
  ASSERT_TRUE(found.host_start);
  EXPECT_GE(*found.host_start, 0);
  EXPECT_LT(*found.host_start, 1e-3);
  EXPECT_LT(*found.copy_pageable, 1.05 * *found.copy_h2d);
}

TEST(CaseRates, AreOfEveryRowThatCalibratesAndOfEachProduct) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  const Catalog catalog = make_catalog();
  Options options;
  options.tensors = {{"w", DType::bf16, 2048, 1024}};
  options.workloads = {"gemm/tokens:1024"};
  options.policies = {"managed_demand", "pinned_read_once", "pinned_fewest_reads"};
  const Plan plan = make_plan(options, catalog, platform);
  Session session(platform, 0);
  WallTime wall;
  Calibration found = calibrate(session, wall, [] {});
  Loop loop(session, found, wall);
  const CaseRatesContext context{session, loop, catalog, wall, [](std::string_view) {}};
  calibrate_policies(context, plan, found);
  calibrate_products(context, plan, found);
  for (const Policy* policy : catalog.policies) {
    if (policy->calibrates == nullptr || !policy->support(platform)) continue;
    const std::optional<double>& rate = found.*policy->calibrates;
    ASSERT_TRUE(rate) << policy->name;
    EXPECT_GT(*rate, 1e8) << policy->name;
    EXPECT_LT(*rate, 1.05 * *found.copy_h2d) << policy->name;
    for (const auto calls : {policy->calibrates_start, policy->calibrates_run_start}) {
      if (calls == nullptr) continue;
      const std::optional<double>& start = found.*calls;
      ASSERT_TRUE(start) << policy->name;
      EXPECT_GE(*start, 0) << policy->name;
      EXPECT_LT(*start, 5e-3) << policy->name;
    }
  }
  const ProductShape shape{DType::bf16, 2048, 1024, 1024};
  const auto engines = gpu_product(found, shape);
  ASSERT_TRUE(engines);
  EXPECT_GT(engines->seconds, shape.bytes() / 20e12);
  EXPECT_TRUE(cpu_product(found, shape) == std::nullopt);  // no policy of the plan computes there
  for (const Rereads rereads : {Rereads::fewest_by_library, Rereads::none}) {
    const auto fewer = gpu_product(found, shape, rereads);
    if (!fewer) continue;  // neither library nor kernel is everywhere
    EXPECT_LE(fewer->reads, engines->reads) << name(rereads);
  }
}

TEST(Calibration, FindsTheLinkAsItIsUnderLoad) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  if (!platform.link || platform.link->kind != "pcie") GTEST_SKIP() << "no PCI Express";
  Session session(platform, 0);
  WallTime wall;
  const Calibration found = calibrate(session, wall, [] {});
  ASSERT_TRUE(found.link_generation && found.link_width);
  EXPECT_LE(*found.link_generation, platform.link->generation.value_or(*found.link_generation));
  EXPECT_LE(*found.link_width, platform.link->width.value_or(*found.link_width));
  const auto peak = pcie_peak(*found.link_generation, *found.link_width);
  ASSERT_TRUE(peak && found.copy_h2d);
  EXPECT_LT(*found.copy_h2d, *peak);
  EXPECT_GT(*found.copy_h2d, 0.5 * *peak);
}

TEST(Calibration, CopiesOfPageableMemoryAreStaged) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  Session session(platform, 0);
  WallTime wall;
  const double pageable = pageable_copy_rate(session, wall);
  EXPECT_GT(pageable, 0.1e9);
  EXPECT_EQ(session.host_buffers().idle_bytes(), 0U);
  if (!platform.link || !platform.link->peak_bytes_per_second) GTEST_SKIP() << "no known link";
  EXPECT_LT(pageable, *platform.link->peak_bytes_per_second);
}

}  // namespace
}  // namespace offload
