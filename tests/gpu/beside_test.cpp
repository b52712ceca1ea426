// SPDX-License-Identifier: Apache-2.0
// Traffic beside passes: that it is at work in all of them, is counted, and breaks nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/catalog.hpp"
#include "bench/measure/calibration.hpp"
#include "bench/measure/case_runner.hpp"
#include "bench/platform/probe.hpp"
#include "kernels/attention.hpp"
#include "kernels/content.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/statistics.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

using Floats = std::vector<float>;

Floats attention_by_gpu(const kernels::AttentionShape& shape, std::size_t splits,
                        const std::vector<std::byte>& keys, const std::vector<std::byte>& values,
                        const std::vector<std::byte>& queries) {
  const cuda::Stream stream;
  const auto sent = [&](const std::vector<std::byte>& bytes) {
    cuda::DeviceBuffer buffer(bytes.size());
    cuda::memcpy_async(buffer.data(), bytes.data(), bytes.size(), stream);
    return buffer;
  };
  const cuda::DeviceBuffer k = sent(keys);
  const cuda::DeviceBuffer v = sent(values);
  const cuda::DeviceBuffer q = sent(queries);
  const cuda::DeviceBuffer out(shape.query_elements() * sizeof(float));
  const cuda::DeviceBuffer scratch(kernels::attention_scratch_floats(shape, splits) *
                                   sizeof(float));
  const auto elements = [](const cuda::DeviceBuffer& buffer) {
    return static_cast<const std::uint16_t*>(buffer.data());
  };
  kernels::decode_attention(elements(k), elements(v), elements(q), static_cast<float*>(out.data()),
                            static_cast<float*>(scratch.data()), shape, splits, stream);
  Floats found(shape.query_elements());
  cuda::memcpy_async(found.data(), out.data(), out.bytes(), stream);
  cuda::stream_synchronize(stream);
  return found;
}

class Beside : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    platform_ = probe_platform(0);
    cuda::set_device(0);
    session_.emplace(platform_, 0);
  }

  CaseResult measured(std::string_view policy, const char* traffic, double pace = 1) {
    Loop loop(*session_, calibration_, wall_, {.traffic = {pace, 256 * MiB}});
    CaseRunner runner(loop, options_, wall_);
    const Case& item = cases_.emplace_back(Case{catalog_.workload("gemv"),
                                                catalog_.policy(policy),
                                                &weights_,
                                                catalog_.policy(policy)->starts.front(),
                                                {},
                                                traffic});
    runner.begin(item);
    for (int i = 0; i < 5; ++i) runner.take_sample();
    runner.finish();
    return runner.current();
  }
  static double median(const CaseResult& result) { return summarize(result.samples).median; }

  Catalog catalog_ = make_catalog();
  Options options_;
  WallTime wall_;
  Calibration calibration_;
  Platform platform_;
  std::optional<Session> session_;
  WeightSet weights_{"w", {{"w", DType::bf16, 16384, 8192}}};
  std::deque<Case> cases_;
};

TEST_F(Beside, AttentionIsThatOfTheReference) {
  for (const std::size_t tokens : {1UL, 7UL, 300UL, 4099UL}) {
    const kernels::AttentionShape shape{3, tokens};
    std::vector<std::byte> keys(shape.cache_elements() * 2);
    std::vector<std::byte> values(keys.size());
    std::vector<std::byte> queries(shape.query_elements() * 2);
    reference::fill_random(keys, DType::bf16, 1, session_->workers());
    reference::fill_random(values, DType::bf16, 2, session_->workers());
    reference::fill_random(queries, DType::bf16, 3, session_->workers());
    const auto elements = [](const std::vector<std::byte>& bytes) {
      return reinterpret_cast<const std::uint16_t*>(bytes.data());
    };
    const std::vector<double> expected =
        reference::decode_attention(elements(keys), elements(values), elements(queries), shape);
    for (const std::size_t splits :
         {std::size_t{1}, std::size_t{5}, kernels::attention_splits(shape)}) {
      const Floats found = attention_by_gpu(shape, splits, keys, values, queries);
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_NEAR(found[i], expected[i], 2e-4) << tokens << " tokens, " << splits << " splits";
      }
    }
  }
}

// One of each kind that is different to its neighbour: what reads in place, copies, faults,
// computes.
TEST_F(Beside, PoliciesAreRightAndTrafficIsCounted) {
  for (const char* name : {"device_resident", "pinned_zero_copy", "pinned_prefetch_copy",
                           "pinned_ring_copy", "managed_demand", "managed_accessed_by",
                           "managed_readmostly_window", "host_compute", "hybrid_split"}) {
    if (!catalog_.policy(name)->support(platform_)) continue;
    const CaseResult result = measured(name, "kv_out");
    EXPECT_EQ(result.failure, "") << name;
    ASSERT_TRUE(result.beside) << name;
    EXPECT_GT(result.beside->traffic_alone.value_or(0), 1e9) << name;
    // Reads by SMs leave it next to nothing; nothing gains by company.
    EXPECT_GT(result.beside->traffic.value_or(0), 0) << name;
    EXPECT_LT(result.beside->traffic_ratio().value_or(9), 1.1) << name;
  }
}

TEST_F(Beside, BothDirectionsOfTheLinkAreUsedAtOnce) {
  const double alone = median(measured("pinned_copy", ""));
  const CaseResult both = measured("pinned_copy", "kv_out");
  ASSERT_EQ(both.failure, "");
  EXPECT_LT(median(both), 2 * alone);
  EXPECT_GT(both.beside->traffic_ratio().value_or(0), 0.5);
}

// Both want all of the SMs and of GPU memory.
TEST_F(Beside, AttentionAndResidentWeightsShareTheGpu) {
  const CaseResult both = measured("device_resident", "attention");
  ASSERT_EQ(both.failure, "");
  EXPECT_GT(both.beside->traffic.value_or(0), 0);
  EXPECT_LT(both.beside->traffic_ratio().value_or(1), 0.9);
}

TEST_F(Beside, AttentionLeavesCopiesAlone) {
  const double alone = median(measured("pinned_ring_copy", ""));
  const CaseResult both = measured("pinned_ring_copy", "attention");
  ASSERT_EQ(both.failure, "");
  EXPECT_LT(median(both), 1.2 * alone);
  EXPECT_GT(both.beside->traffic_ratio().value_or(0), 0.3);
}

TEST_F(Beside, PacedTrafficIsBusyThatShareOfTheTime) {
  const CaseResult all = measured("pinned_copy", "kv_out");
  const CaseResult half = measured("pinned_copy", "kv_out", 0.5);
  ASSERT_EQ(half.failure, "");
  EXPECT_NEAR(*half.beside->traffic_alone / *all.beside->traffic_alone, 0.5, 0.12);
}

TEST_F(Beside, CapturedPassesToo) {
  Loop loop(*session_, calibration_, wall_, {.graphs = true, .traffic = {1, 256 * MiB}});
  CaseRunner runner(loop, options_, wall_);
  const Case& item = cases_.emplace_back(Case{catalog_.workload("gemv"),
                                              catalog_.policy("pinned_zero_copy"),
                                              &weights_,
                                              Start::steady,
                                              {},
                                              "attention"});
  runner.begin(item);
  runner.take_sample();
  runner.finish();
  EXPECT_EQ(runner.current().failure, "");
  EXPECT_TRUE(runner.current().prepared.captured);
  EXPECT_TRUE(runner.current().beside);
}

}  // namespace
}  // namespace offload
