// SPDX-License-Identifier: Apache-2.0
// What is made of NVML's answers, against a library that is not NVIDIA's.
#include "bench/platform/nvml.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace offload {
namespace {

std::string reason_for(const GpuSettings& settings, const std::string& field) {
  for (const auto& unknown : settings.unknown) {
    if (unknown.field == field) return unknown.reason;
  }
  return "known";
}

TEST(GpuSettings, AreWhatNvmlAnswers) {
  const NvmlFacts facts = read_nvml("0000:01:00.0", FAKE_NVML);
  EXPECT_EQ(facts.driver_release, "580.1");
  const GpuSettings& settings = facts.settings;
  EXPECT_EQ(settings.serial, "1650123456789");
  EXPECT_EQ(settings.ecc, true);
  EXPECT_EQ(settings.mig, false);
  EXPECT_EQ(settings.persistence, true);
  EXPECT_EQ(settings.compute_mode, "exclusive process");
  EXPECT_DOUBLE_EQ(settings.power_limit_watts.value_or(0), 700);
  EXPECT_DOUBLE_EQ(settings.enforced_power_limit_watts.value_or(0), 650.5);
  EXPECT_DOUBLE_EQ(settings.default_power_limit_watts.value_or(0), 720);
  EXPECT_EQ(settings.sm_mhz, 345);
  EXPECT_EQ(settings.max_sm_mhz, 1980);
  EXPECT_EQ(settings.application_sm_mhz, 1755);
  EXPECT_EQ(settings.memory_mhz, 2619);
  EXPECT_EQ(settings.max_memory_mhz, 3201);
  EXPECT_EQ(settings.application_memory_mhz, 3105);
  // Idle, the lowest bit, holds nothing down.
  EXPECT_EQ(settings.throttled,
            (std::vector<std::string>{"power cap", "hardware thermal slowdown"}));
  EXPECT_EQ(settings.temperature_celsius, 31);
  EXPECT_EQ(settings.bar1_bytes, std::size_t{128} << 30U);
  EXPECT_EQ(settings.addressing_mode, "hmm");
  EXPECT_EQ(settings.numa_node, 5);
  EXPECT_EQ(settings.confidential_compute, true);
  EXPECT_TRUE(settings.unknown.empty());
}

TEST(GpuSettings, NonsenseIsUnknown) {
  const GpuSettings settings = read_nvml("0000:02:00.0", FAKE_NVML).settings;
  EXPECT_EQ(settings.ecc, std::nullopt);
  EXPECT_EQ(settings.mig, std::nullopt);
  EXPECT_EQ(settings.persistence, std::nullopt);
  EXPECT_EQ(settings.compute_mode, "");
  EXPECT_EQ(settings.addressing_mode, "");
  EXPECT_EQ(settings.numa_node, std::nullopt);
  for (const char* field : {"ecc", "mig", "persistence", "compute_mode"}) {
    EXPECT_EQ(reason_for(settings, field), "NVML says 77, which has no meaning here") << field;
  }
  EXPECT_EQ(reason_for(settings, "addressing_mode"),
            "nvmlDeviceGetAddressingMode succeeds without an answer");
  EXPECT_EQ(reason_for(settings, "numa_node"), "NVML says -1: none");
}

TEST(GpuSettings, WhatIsNotSupportedIsUnknownAndSaysSo) {
  const GpuSettings settings = read_nvml("0000:03:00.0", FAKE_NVML).settings;
  EXPECT_EQ(settings.serial, "");
  EXPECT_EQ(settings.power_limit_watts, std::nullopt);
  EXPECT_EQ(settings.sm_mhz, std::nullopt);
  EXPECT_EQ(settings.throttled, std::nullopt);
  EXPECT_EQ(settings.temperature_celsius, std::nullopt);
  EXPECT_EQ(settings.bar1_bytes, std::nullopt);
  for (const char* field :
       {"serial", "ecc", "mig", "persistence", "compute_mode", "power_limit_watts",
        "enforced_power_limit_watts", "default_power_limit_watts", "sm_mhz", "max_sm_mhz",
        "application_sm_mhz", "memory_mhz", "max_memory_mhz", "application_memory_mhz", "throttled",
        "temperature_celsius", "bar1_bytes", "addressing_mode", "numa_node"}) {
    EXPECT_TRUE(reason_for(settings, field).ends_with(": NVML error 3 (not supported)"))
        << field << ": " << reason_for(settings, field);
  }
  EXPECT_EQ(reason_for(settings, "confidential_compute"), "known");  // of the whole machine
}

TEST(GpuSettings, WithoutTheLibraryOrTheGpuAllIsUnknown) {
  const GpuSettings none = read_nvml("0000:01:00.0", "libno-such-library.so.1").settings;
  EXPECT_EQ(reason_for(none, "all"), "libno-such-library.so.1 (NVML) cannot be opened");
  EXPECT_EQ(none.ecc, std::nullopt);
  const GpuSettings other = read_nvml("0000:99:00.0", FAKE_NVML).settings;
  EXPECT_EQ(reason_for(other, "all"), "NVML does not know this GPU");
}

}  // namespace
}  // namespace offload
