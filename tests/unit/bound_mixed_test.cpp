// SPDX-License-Identifier: Apache-2.0
// Passes over tensors of which some cannot be multiplied: those are read, and missed when they are
// not.
#include "bench/workloads/parts/bound_mixed.hpp"

#include <gtest/gtest.h>

#include "tests/unit/workload_bench.hpp"

namespace offload {
namespace {

using testing::Bench;
using testing::made;
using testing::right;

/// As a GGUF file has them: blocks of bytes, a matrix in bf16, experts in blocks.
WeightSet quantised() {
  WeightSet weights{"quantised",
                    {{"attn", DType::u8, 64, 144, 0},
                     {"router", DType::bf16, 8, 256, 0},
                     {"experts", DType::u8, 8 * 16, 144, 0, 8}},
                    ModelSlice{}};
  weights.slice->experts_per_token = 2;
  return weights;
}

TEST(BoundMixed, DecodeReadsWhatItCannotMultiply) {
  const auto decode = made("decode");
  const WeightSet weights = quantised();
  ASSERT_TRUE(decode->reads(weights));
  Bench bench(*decode, weights);
  EXPECT_EQ(bench.pass(), right);
  EXPECT_EQ(bench.pass(), right) << "second pass";

  const std::vector<Piece> pieces = bench.bound().pieces();
  ASSERT_EQ(pieces.size(), 4U);  // two experts of eight
  const std::size_t bytes = 64 * 144 + 8 * 256 * 2 + 2 * 16 * 144;
  EXPECT_EQ(bench.bound().bytes().requested, bytes);
}

TEST(BoundMixed, FindsWhatWasNotReadAndWhatWasReadInAnotherPlace) {
  const auto decode = made("decode");
  Bench bench(*decode, quantised());
  const std::vector<Piece> pieces = bench.bound().pieces();
  for (std::size_t missing = 0; missing < pieces.size(); ++missing) {
    bench.poison();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i != missing) bench.launch(pieces[i]);
    }
    EXPECT_NE(bench.check(), right) << "piece " << missing;
  }
  bench.poison();
  for (const Piece& piece : pieces) {
    Piece other = piece;
    if (piece.tensor == 2) other.first_row = (piece.first_row + 16) % (8 * 16);
    bench.launch_as(piece, other);
  }
  EXPECT_NE(bench.check(), right) << "other experts";
}

TEST(BoundMixed, ManyTokensNeedProducts) {
  EXPECT_TRUE(made("decode")->with_parameter(256)->reads(quantised()));
  EXPECT_FALSE(made("prefill")->reads(quantised()));
  // Scales are few bytes beside weights that can be multiplied.
  const WeightSet with_scales{
      "fp8", {{"w", DType::fp8_e4m3, 256, 512}, {"scales", DType::u8, 2, 16}}, ModelSlice{}};
  EXPECT_TRUE(made("prefill")->reads(with_scales));
  EXPECT_FALSE(made("gemv")->reads(with_scales)) << "a single matrix is multiplied or refused";
}

}  // namespace
}  // namespace offload
