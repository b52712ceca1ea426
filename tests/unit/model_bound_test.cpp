// SPDX-License-Identifier: Apache-2.0
// What the machine allows, by hand: two of four layers of 1 MB were measured, over a link of
// 100 MB/s, a CPU that reads 50 MB/s, and a GPU memory of 1 GB/s.
#include "bench/measure/model_bound.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace offload {
namespace {

constexpr std::size_t mb = 1'000'000;

class ABound : public ::testing::Test {
 protected:
  ABound() {
    calibration_.copy_h2d = 100e6;
    calibration_.sm_read_pinned = 80e6;
    calibration_.host_read = 50e6;
    calibration_.device_read = 1e9;
    record_.start = "steady";
    record_.path = Path::link;
    record_.tokens = 1;
    record_.weights = {"model", {}};
    for (std::size_t i = 0; i < 2; ++i) {
      record_.weights.tensors.push_back({"w", DType::bf16, 500, 1000, i});
    }
    record_.weights.slice =
        ModelSlice{.model = "model", .layers = 4, .layers_measured = 2, .offloaded_bytes = 4 * mb};
    record_.bytes = {2 * mb, 2 * mb};
    record_.link_bytes = 2 * mb;
  }

  ModelBound bound(const CaseRecord* twin = nullptr) const {
    return model_bound(record_, 2, twin, {calibration_, platform_}).value();
  }

  /// As data sheets have it: 132 SMs, 4096 operations a clock, at 1.98 GHz.
  void know_the_gpu() {
    platform_.gpu.emplace();
    platform_.gpu->compute_major = 9;
    platform_.gpu->sm_count = 132;
    platform_.gpu->settings.max_sm_mhz = 1980;
  }

  Calibration calibration_;
  Platform platform_;
  CaseRecord record_;
};

TEST_F(ABound, IsTheLinkForWhatCrossesIt) {
  EXPECT_EQ(bound().by, BoundBy::link);
  EXPECT_DOUBLE_EQ(bound().seconds, 0.04);
  EXPECT_DOUBLE_EQ(bound().tokens_per_second.value(), 25);
  EXPECT_NE(bound().from.find("copy engine"), std::string::npos);
}

TEST_F(ABound, CountsBytesThatCrossTheLinkAgainOnlyOnce) {
  record_.link_bytes = 8 * mb;
  EXPECT_DOUBLE_EQ(bound().seconds, 0.04);
}

TEST_F(ABound, IsTheSlowerPartOfAPassThatIsShared) {
  // 0.5 MB of 2 by the CPU: 20 ms for the model's 1 MB, while 3 MB take 30 ms over the link.
  record_.cpu_bytes = mb / 2;
  record_.link_bytes = 2 * mb - mb / 2;
  EXPECT_EQ(bound().by, BoundBy::link);
  EXPECT_DOUBLE_EQ(bound().seconds, 0.03);
  // 1 MB of 2: 40 ms against 20.
  record_.cpu_bytes = mb;
  record_.link_bytes = mb;
  EXPECT_EQ(bound().by, BoundBy::host_memory);
  EXPECT_DOUBLE_EQ(bound().seconds, 0.04);
}

TEST_F(ABound, IsGpuMemoryForWhatIsThere) {
  record_.path = Path::device_memory;
  record_.link_bytes = 0;
  EXPECT_EQ(bound().by, BoundBy::device_memory);
  EXPECT_DOUBLE_EQ(bound().seconds, 0.004);
}

TEST_F(ABound, IsComputingWhereThereAreTokensEnough) {
  know_the_gpu();
  EXPECT_EQ(bound().by, BoundBy::link);
  // Twice 500 x 1000 in each of four layers, for each token.
  record_.tokens = 100'000'000;
  EXPECT_EQ(bound().by, BoundBy::compute);
  EXPECT_NEAR(bound().seconds, 4e6 * 1e8 / (132 * 4096 * 1.98e9), 1e-9);
  EXPECT_NE(bound().from.find("132 SMs"), std::string::npos);
  const double dense = bound().seconds;
  // Each token goes to two of eight experts.
  for (WeightTensor& tensor : record_.weights.tensors) tensor.experts = 8;
  record_.weights.slice->experts_per_token = 2;
  EXPECT_NEAR(bound().seconds, dense / 4, 1e-9);
}

TEST_F(ABound, TakesTheResidentPassForComputingWhereTheGpusPeakIsNotKnown) {
  CaseRecord twin = record_;
  twin.policy = "device_resident";
  twin.summary = summarize(std::vector{0.5});
  EXPECT_EQ(bound(&twin).by, BoundBy::compute);
  EXPECT_DOUBLE_EQ(bound(&twin).seconds, 1);
  EXPECT_NE(bound(&twin).from.find("device_resident"), std::string::npos);
}

TEST_F(ABound, HasTokensOnlyWhereAnEngineCanStay) {
  record_.start = "cold";
  EXPECT_FALSE(bound().tokens_per_second);
  EXPECT_DOUBLE_EQ(bound().seconds, 0.04);
  record_.start = "warm";  // mapped, and read over the link
  EXPECT_TRUE(bound().tokens_per_second);
  record_.path = Path::device_memory;
  EXPECT_FALSE(bound().tokens_per_second);
}

TEST_F(ABound, IsUnknownWithoutARate) {
  calibration_ = {};
  EXPECT_FALSE(model_bound(record_, 2, nullptr, {calibration_, platform_}));
}

TEST(PeakFlops, AreThoseOfDataSheets) {
  Gpu gpu;
  gpu.compute_major = 8;
  gpu.sm_count = 108;
  gpu.settings.max_sm_mhz = 1410;
  EXPECT_NEAR(peak_flops(gpu).value(), 312e12, 1e12);  // A100
  gpu.settings.max_sm_mhz.reset();
  EXPECT_FALSE(peak_flops(gpu));
  gpu.settings.max_sm_mhz = 1410;
  gpu.compute_major = 99;
  EXPECT_FALSE(peak_flops(gpu));
}

}  // namespace
}  // namespace offload
