// SPDX-License-Identifier: Apache-2.0
// Which products of many tokens can read each byte of a weight once, and how.
#include "kernels/sm90/read_once.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace offload::kernels {
namespace {

TEST(ReadOnceShape, IsTheSmallestThatCoversTheTokens) {
  for (std::size_t tokens = 1; tokens < 40'000; tokens += tokens < 600 ? 1 : 61) {
    const ReadOnceShape shape = ReadOnceShape::of(tokens);
    const std::size_t cluster = shape.blocks * ReadOnceShape::block_tokens;
    SCOPED_TRACE(tokens);
    ASSERT_TRUE(std::has_single_bit(shape.blocks)) << "a tile is cut into as many slices";
    ASSERT_LE(shape.blocks, ReadOnceShape::most_blocks);
    ASSERT_GE(shape.reads * shape.clusters * cluster, tokens);
    ASSERT_LT((shape.reads - 1) * shape.clusters * cluster, tokens) << "a read for no token";
    if (shape.blocks > 1) {
      ASSERT_LT(cluster / 2, tokens) << "half the blocks would do";
    }
    if (shape.clusters > 1) {
      ASSERT_LT(cluster, tokens) << "one cluster would do";
    }
    // The largest prefill of the suites.
    if (tokens <= 8192) {
      ASSERT_EQ(shape.reads, 1U);
    }
  }
  EXPECT_EQ(ReadOnceShape::of(0).reads, 1U);
}

TEST(ReadOnceGemm, NeedsMemoryOnlyWhereClustersFollowOneAnother) {
  EXPECT_EQ(ReadOnceGemm::workspace_bytes(4096), 0U);
  EXPECT_LE(ReadOnceGemm::workspace_bytes(65536), std::size_t{16} << 20)
      << "a part of the L2 cache";
}

Platform with_gpu(int major, int minor) {
  Platform platform;
  platform.gpu.emplace();
  platform.gpu->compute_major = major;
  platform.gpu->compute_minor = minor;
  return platform;
}

TEST(ReadOnceGemm, SaysWhyNot) {
  const WeightTensor fits{"w", DType::bf16, 128, 64};
  for (const Platform& platform : {with_gpu(8, 0), with_gpu(10, 0), with_gpu(12, 0)}) {
    const Support support = ReadOnceGemm::supports(platform, fits);
    ASSERT_FALSE(support);
    EXPECT_FALSE(support.reason().empty());
  }
  Platform none;
  none.gpu_absent_reason = "no GPU here";
  EXPECT_FALSE(ReadOnceGemm::supports(none, fits));
  const Platform hopper = with_gpu(9, 0);
  for (const WeightTensor& tensor :
       {WeightTensor{"w", DType::fp8_e4m3, 128, 64}, WeightTensor{"w", DType::bf16, 128, 60},
        WeightTensor{"w", DType::bf16, 127, 64}}) {
    EXPECT_FALSE(ReadOnceGemm::supports(hopper, tensor));
  }
}

}  // namespace
}  // namespace offload::kernels
