// SPDX-License-Identifier: Apache-2.0
// What a product of many tokens is checked by: signed sums over them.
#include "bench/workloads/parts/products.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/content.hpp"
#include "kernels/reference/floats.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

TEST(Tokens, SignsAreOnesOfEitherSign) {
  const std::vector<float> signs = Tokens::signs(8192);
  ASSERT_EQ(signs.size(), 8192U);
  EXPECT_EQ(signs[0], 1);
  std::ptrdiff_t negative = 0;
  for (const float sign : signs) {
    ASSERT_EQ(std::abs(sign), 1) << "a token with another weight could go wrong unnoticed";
    if (sign < 0) ++negative;
  }
  EXPECT_NEAR(static_cast<double>(negative), 4096, 6 * 45.3);  // sqrt(8192 / 4) = 45.3
  // The signs of a few are those of the first of many: experts take a part of the tokens.
  const std::vector<float> few = Tokens::signs(100);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), signs.begin()));
}

TEST(Tokens, FoldTheFirstSoMany) {
  HostWorkers workers(2);
  const Tokens tokens(7, 33, DType::bf16, workers);
  const std::vector<float> signs = Tokens::signs(7);
  for (const std::size_t count : {1U, 4U, 7U}) {
    const std::vector<float> folded = tokens.folded(count);
    ASSERT_EQ(folded.size(), 33U);
    for (std::size_t c = 0; c < 33; ++c) {
      double sum = 0;
      for (std::size_t t = 0; t < count; ++t) {
        const float value =
            reference::to_float(DType::bf16, tokens.values().data() + (t * 33 + c) * 2);
        EXPECT_LE(std::abs(value), 1);
        sum += static_cast<double>(signs[t] * value);
      }
      EXPECT_FLOAT_EQ(folded[c], static_cast<float>(sum));
    }
  }
}

TEST(ExpectedRows, AreTheSignedSumsOfEveryTokensProduct) {
  HostWorkers workers(2);
  const WeightSet weights{"two", {{"a", DType::bf16, 6, 33}, {"b", DType::bf16, 6, 33}}};
  std::vector<std::byte> a(396);  // 6 rows of 33 columns
  reference::fill_random(a, DType::bf16, 3, workers);
  std::vector<std::byte> b = a;
  std::rotate(b.begin(), b.begin() + 132, b.end());  // by two rows
  const std::vector<TensorContent> contents{{a, 0, 0}, {b, 0, 2}};
  const Tokens tokens(5, 33, DType::bf16, workers);
  const std::vector<float> signs = Tokens::signs(5);

  ExpectedRows expected(weights, contents);
  for (const Piece& piece : {Piece{0, 0, 6}, Piece{1, 0, 6}, Piece{1, 4, 2}}) {
    const Product product{piece, 5};
    expected.add(product, tokens, workers);
    const std::vector<std::byte>& bytes = piece.tensor == 0 ? a : b;
    for (std::size_t row = piece.first_row; row < piece.first_row + piece.rows; ++row) {
      double sum = 0;
      for (std::size_t t = 0; t < 5; ++t) {
        double y = 0;
        for (std::size_t c = 0; c < 33; ++c) {
          const float w = reference::to_float(DType::bf16, bytes.data() + (row * 33 + c) * 2);
          y += static_cast<double>(w) * static_cast<double>(tokens.widened()[t * 33 + c]);
        }
        sum += static_cast<double>(signs[t]) * y;
      }
      const ExpectedRows::Row got = expected.at(product, row);
      EXPECT_NEAR(got.value, sum, 1e-5 * got.magnitude) << piece.tensor << " row " << row;
      EXPECT_GT(got.magnitude, std::abs(got.value));
    }
  }
}

}  // namespace
}  // namespace offload
