// SPDX-License-Identifier: Apache-2.0
// Products of many tokens, and those of a model with experts, on the CPU: right results pass their
// check, wrong and missing ones do not.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "bench/workloads/parts/products.hpp"
#include "offload/cuda/matmul.hpp"
#include "tests/unit/workload_bench.hpp"

namespace offload {
namespace {

using testing::Bench;
using testing::lose_one_product;
using testing::made;
using testing::one;
using testing::right;

std::unique_ptr<Workload> gemm(std::size_t tokens) { return made("gemm")->with_parameter(tokens); }
std::unique_ptr<Workload> decode(std::size_t tokens) {
  return made("decode")->with_parameter(tokens);
}

TEST(Gemm, RightResultsPassForAnyNumberOfTokens) {
  for (const std::size_t tokens : {1U, 2U, 16U, 33U, 256U}) {
    const auto workload = gemm(tokens);
    for (const WeightSet& weights :
         {one(DType::bf16, 37, 5), one(DType::bf16, 100, 1003), one(DType::fp16, 64, 512),
          one(DType::fp8_e4m3, 48, 2048), one(DType::bf16, 1, 1)}) {
      ASSERT_TRUE(workload->reads(weights));
      Bench bench(*workload, weights);
      EXPECT_EQ(bench.pass(), right) << workload->label();
      EXPECT_EQ(bench.pass(), right) << workload->label() << ", second pass";
      bench.poison();
      EXPECT_NE(bench.check(), right) << workload->label() << ", nothing read";
    }
  }
}

TEST(Gemm, PanelsFillTheirRowsInAnyOrder) {
  Bench bench(*gemm(16), one(DType::bf16, 37, 101));
  bench.poison();
  bench.launch({0, 32, 5});
  bench.launch({0, 0, 16});
  const auto missing = bench.check();
  ASSERT_TRUE(missing);
  EXPECT_EQ(*missing, "row 16 of down_proj: never written");

  bench.poison();
  bench.launch({0, 32, 5});
  bench.launch({0, 16, 16});
  bench.launch({0, 0, 16});
  EXPECT_EQ(bench.check(), right);

  bench.poison();
  bench.launch({0, 0, 16});
  bench.launch_as({0, 16, 16}, {0, 0, 16});
  bench.launch({0, 32, 5});
  const auto repeated = bench.check();
  ASSERT_TRUE(repeated);
  EXPECT_EQ(repeated->rfind("row 16 of down_proj: got ", 0), 0U) << *repeated;
}

TEST(Gemm, FindsOneWrongRowWhicheverItIs) {
  for (const DType dtype : {DType::bf16, DType::fp16, DType::fp8_e4m3}) {
    const WeightSet weights = one(dtype, 40, 512);
    HostWorkers workers(2);
    const std::vector<float> x =
        Tokens(16, 512, cuda::matmul_activation(dtype), workers).folded(16);
    for (std::size_t row = 0; row < 40; ++row) {
      Bench bench(*gemm(16), weights);
      lose_one_product(bench, weights.tensors[0], row, x);
      const auto wrong = bench.pass();
      ASSERT_TRUE(wrong) << name(dtype) << " row " << row;
      EXPECT_EQ(wrong->rfind("row " + std::to_string(row) + " of down_proj: got ", 0), 0U)
          << *wrong;
      EXPECT_NE(wrong->find("(signed sum over 16 tokens)"), std::string::npos) << *wrong;
    }
  }
}

TEST(Gemm, SaysWhatItCannotRead) {
  EXPECT_EQ(gemm(2)->reads(one(DType::fp32, 2, 16)).reason(),
            "gemm reads bf16, fp16 and fp8_e4m3; down_proj is fp32");
  EXPECT_FALSE(gemm(2)->reads(one(DType::fp8_e4m3, 16, 40)));
  EXPECT_TRUE(gemm(2)->reads(one(DType::fp8_e4m3, 16, 48)));
  EXPECT_TRUE(gemm(1)->reads(one(DType::fp8_e4m3, 16, 40)));
}

TEST(Gemm, FindsSwappedTensorsOfOneShape) {
  const WeightSet weights{
      "layers",
      {{"a", DType::bf16, 64, 256}, {"b", DType::bf16, 64, 256}, {"c", DType::bf16, 64, 256}}};
  for (const std::size_t rotated : {0U, 1U, 21U}) {
    for (const std::size_t tokens : {1U, 8U}) {
      Bench bench(*decode(tokens), weights, rotated);
      EXPECT_EQ(bench.pass(), right) << rotated << ", " << tokens;
      bench.poison();
      bench.launch({0, 0, 64});
      bench.launch_as({1, 0, 64}, {2, 0, 64});
      bench.launch_as({2, 0, 64}, {1, 0, 64});
      const auto wrong = bench.check();
      ASSERT_TRUE(wrong) << rotated << ", " << tokens;
      EXPECT_EQ(wrong->rfind("row 0 of b: got ", 0), 0U) << *wrong;
    }
  }
}

// --- experts

/// Two layers of a matrix and two stacks of eight experts each, of which a token takes two.
WeightSet experts() {
  WeightSet set{"moe", {}};
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const std::string prefix = "layers." + std::to_string(layer) + ".";
    set.tensors.push_back({prefix + "o_proj", DType::bf16, 32, 64, layer});
    set.tensors.push_back({prefix + "w13", DType::bf16, 192, 64, layer, 8});
    set.tensors.push_back({prefix + "w2", DType::bf16, 512, 12, layer, 8});
  }
  ModelSlice slice;
  slice.experts_per_token = 2;
  set.slice = slice;
  return set;
}

TEST(Experts, ATokenReadsItsOwnInBothStacks) {
  const WeightSet weights = experts();
  Bench bench(*decode(1), weights);
  std::vector<std::vector<Piece>> of_tensor(weights.tensors.size());
  std::size_t bytes = 0;
  for (const Piece& piece : bench.bound().pieces()) {
    of_tensor[piece.tensor].push_back(piece);
    bytes += piece.rows * weights.tensors[piece.tensor].row_bytes();
  }
  EXPECT_EQ(bench.bound().bytes().requested, bytes);
  // The matrix, and two of eight experts.
  EXPECT_EQ(bytes, 2 * (std::size_t{32} * 64 + std::size_t{2} * (1536 + 768)) * 2);
  for (const std::size_t layer : {0U, 1U}) {
    ASSERT_EQ(of_tensor[3 * layer].size(), 1U);
    ASSERT_EQ(of_tensor[3 * layer + 1].size(), 2U);
    ASSERT_EQ(of_tensor[3 * layer + 2].size(), 2U);
    for (const std::size_t i : {0U, 1U}) {
      const Piece& in = of_tensor[3 * layer + 1][i];
      const Piece& out = of_tensor[3 * layer + 2][i];
      EXPECT_EQ(in.rows, 24U);
      EXPECT_EQ(out.rows, 64U);
      EXPECT_EQ(in.first_row % 24, 0U);
      EXPECT_EQ(in.first_row / 24, out.first_row / 64) << "the same expert";
    }
  }
}

TEST(Experts, EveryTokenIsMultipliedByItsShare) {
  const WeightSet weights = experts();
  std::vector<std::size_t> tokens_of(weights.tensors.size(), 0);
  for (const Product& product : products_of(weights, 40, 0.5)) {
    tokens_of[product.piece.tensor] += product.tokens;
  }
  EXPECT_EQ(tokens_of, (std::vector<std::size_t>{40, 80, 80, 40, 80, 80}));
}

TEST(Experts, RightResultsPass) {
  for (const std::size_t tokens : {1U, 3U, 32U, 200U}) {
    Bench bench(*decode(tokens), experts());
    EXPECT_EQ(bench.pass(), right) << tokens;
    EXPECT_EQ(bench.pass(), right) << tokens << ", second pass";
  }
}

TEST(Experts, RotatedStacksPassAndAWrongExpertIsFound) {
  WeightSet weights{"moe", {}};
  for (std::size_t layer = 0; layer < 3; ++layer) {
    weights.tensors.push_back({"w" + std::to_string(layer), DType::fp16, 128, 96, layer, 8});
  }
  ModelSlice slice;
  slice.experts_per_token = 2;
  weights.slice = slice;
  for (const std::size_t tokens : {1U, 4U, 64U}) {
    Bench bench(*decode(tokens), weights, std::size_t{2} * 16);  // by two experts
    EXPECT_EQ(bench.pass(), right) << tokens;
    const std::vector<Piece> pieces = bench.bound().pieces();
    for (std::size_t wrong = 0; wrong < pieces.size(); ++wrong) {
      bench.poison();
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        Piece other = pieces[i];
        if (i == wrong) other.first_row = (other.first_row + 16) % 128;
        bench.launch_as(pieces[i], other);
      }
      const auto found = bench.check();
      ASSERT_TRUE(found) << tokens << ", piece " << wrong;
      EXPECT_EQ(found->rfind("row " + std::to_string(pieces[wrong].first_row) + " of w" +
                                 std::to_string(pieces[wrong].tensor) + ": got ",
                             0),
                0U)
          << *found;
    }
    // And one that was left out.
    bench.poison();
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) bench.launch(pieces[i]);
    EXPECT_EQ(bench.check(),
              "row " + std::to_string(pieces.back().first_row) + " of w2: never written");
  }
}

TEST(Experts, MayComeInPanels) {
  Bench bench(*decode(32), experts());
  bench.poison();
  for (const Piece& piece : bench.bound().pieces()) {
    bench.launch({piece.tensor, piece.first_row + 8, piece.rows - 8});
    bench.launch({piece.tensor, piece.first_row, 8});
  }
  EXPECT_EQ(bench.check(), right);
}

TEST(Experts, WhatNobodyAskedForIsRefused) {
  WeightSet weights = experts();
  weights.tensors.erase(weights.tensors.begin());  // begins with a stack
  Bench bench(*decode(1), weights);
  const Piece first = bench.bound().pieces().front();
  if (first.first_row > 0) {
    EXPECT_THROW(bench.launch({0, 0, 24}), std::logic_error);
  }
}

// --- what they say of themselves

TEST(Matmul, KnowsHowManyTokensItTakes) {
  EXPECT_FALSE(made("gemv")->parameter());
  EXPECT_FALSE(made("stream_read")->parameter());
  EXPECT_EQ(made("decode")->parameter().value().range(), "1 to 256 tokens");
  EXPECT_EQ(made("prefill")->parameter().value().range(), "512 to 8192 tokens");
  const Parameter some = gemm(48)->parameter().value();
  EXPECT_EQ(some.name, "tokens");
  EXPECT_EQ(some.value, 48U);
  EXPECT_FALSE(some.allows(0));
  EXPECT_TRUE(some.allows(1));
  EXPECT_TRUE(some.allows(65536));
  EXPECT_FALSE(some.allows(65537));
  EXPECT_EQ(made("gemv")->label(), "gemv");
  EXPECT_EQ(gemm(8192)->label(), "gemm/tokens:8192");
  EXPECT_EQ(gemm(8192)->tokens(), 8192U);
  EXPECT_EQ(made("stream_read")->tokens(), 0U);
  EXPECT_THROW(static_cast<void>(made("stream_read")->with_parameter(3)), std::logic_error);
}

TEST(Matmul, LeavesLargeBatchesToTheGpu) {
  EXPECT_TRUE(decode(256)->runs_on_cpu());
  EXPECT_TRUE(gemm(256)->runs_on_cpu());
  EXPECT_FALSE(gemm(257)->runs_on_cpu());
  EXPECT_FALSE(made("prefill")->runs_on_cpu());
}

TEST(Matmul, WalksModelsWhereItSaysSo) {
  EXPECT_TRUE(made("decode")->walks_model());
  EXPECT_TRUE(made("prefill")->walks_model());
  EXPECT_FALSE(made("gemm")->walks_model());
  EXPECT_FALSE(made("gemv")->walks_model());
}

TEST(Matmul, SaysNoToGpuViewsWithoutAGpu) {
  Bench bench(*gemm(4), one(DType::bf16, 64, 64));
  EXPECT_THROW(bench.launch({0, 0, 64}, Side::gpu), std::logic_error);
}

}  // namespace
}  // namespace offload
