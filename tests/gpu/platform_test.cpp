// SPDX-License-Identifier: Apache-2.0
// What is recorded of a real GPU has to be possible: an answer read with a wrong layout is not.
#include "offload/platform.hpp"

#include <gtest/gtest.h>

#include "bench/platform/probe.hpp"
#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

class GpuRecord : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    platform_ = probe_platform(0);
  }
  const GpuSettings& settings() const { return platform_.gpu->settings; }

  Platform platform_;
};

TEST_F(GpuRecord, SettingsArePossible) {
  for (const auto& unknown : settings().unknown) {
    if (unknown.field == "all") GTEST_SKIP() << unknown.reason;
    EXPECT_NE(unknown.reason, "") << unknown.field;
  }
  ASSERT_TRUE(settings().max_sm_mhz && settings().sm_mhz);
  EXPECT_GT(*settings().sm_mhz, 0);
  EXPECT_LE(*settings().sm_mhz, *settings().max_sm_mhz);
  ASSERT_TRUE(settings().temperature_celsius);
  EXPECT_GT(*settings().temperature_celsius, 0);
  EXPECT_LT(*settings().temperature_celsius, 120);
  ASSERT_TRUE(settings().bar1_bytes);
  EXPECT_EQ(*settings().bar1_bytes % (std::size_t{1} << 20U), 0U);
  EXPECT_GT(*settings().bar1_bytes, 0U);
  if (settings().power_limit_watts && settings().enforced_power_limit_watts) {
    EXPECT_GT(*settings().enforced_power_limit_watts, 10);
    EXPECT_LE(*settings().enforced_power_limit_watts, *settings().power_limit_watts);
  }
  // It would keep this process out as well.
  EXPECT_NE(settings().compute_mode, "prohibited");
}

TEST_F(GpuRecord, NvmlAndTheKernelAgreeAboutTheLink) {
  const PciDevice& pci = platform_.gpu->pci;
  for (const auto& unknown : pci.unknown) EXPECT_NE(unknown.reason, "") << unknown.field;
  if (!platform_.link || platform_.link->kind != "pcie") GTEST_SKIP() << "no PCI Express";
  const Link& together = *platform_.link;
  EXPECT_GE(pci.generation.value_or(99), together.generation.value_or(0));
  EXPECT_GE(pci.width.value_or(99), together.width.value_or(0));
}

TEST_F(GpuRecord, AttributesAreKnown) {
  const MemoryModel& model = platform_.gpu->memory_model;
  EXPECT_GE(model.async_engines.value_or(0), 1);
  EXPECT_TRUE(model.host_pointer_for_registered_memory.has_value());
  EXPECT_TRUE(model.memory_pools.has_value());
  ASSERT_TRUE(model.gpu_is_numa_node.has_value());
  EXPECT_EQ(model.gpu_numa_id.has_value(), *model.gpu_is_numa_node);
  if (!settings().addressing_mode.empty()) {
    EXPECT_EQ(settings().addressing_mode == "ats",
              model.pageable_memory_access_uses_host_page_tables);
  }
}

TEST_F(GpuRecord, EveryNodeIsGpuMemoryOrNot) {
  for (const NumaNode& node : platform_.host.settings.nodes) {
    ASSERT_TRUE(node.gpu_memory.has_value());
    EXPECT_FALSE(*node.gpu_memory && node.has_cpus());
  }
}

}  // namespace
}  // namespace offload
