// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/calibration.hpp"

#include <gtest/gtest.h>

#include "bench/measure/session.hpp"
#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

TEST(Calibration, FindsWhatCopiesAndTheCpuReachBesideEachOther) {
  if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
  cuda::set_device(0);
  const Platform platform = probe_platform(0);
  Session session(platform, 0);
  WallTime wall;
  const Calibration found = calibrate(session, wall, [] {});
  ASSERT_TRUE(found.copy_h2d && found.copy_h2d_beside_host && found.host_read_beside_copy);
  constexpr double noise = 1.05;
  EXPECT_LT(*found.copy_h2d_beside_host, noise * *found.copy_h2d);
  EXPECT_LT(*found.host_read_beside_copy, noise * found.host_read);
  EXPECT_GT(*found.copy_h2d_beside_host, 0.1 * *found.copy_h2d);
  EXPECT_GT(*found.host_read_beside_copy, 0.1 * found.host_read);
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
