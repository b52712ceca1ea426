// SPDX-License-Identifier: Apache-2.0
// Products between and beyond those that were measured.
#include "offload/rates.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

constexpr ProductShape shape(std::size_t rows, std::size_t tokens) {
  return {DType::bf16, rows, 4096, tokens};
}

Rates measured() {
  Rates rates;
  rates.products = {{shape(4096, 16), Rereads::as_engines_do, 10e-6, 1},
                    {shape(4096, 64), Rereads::as_engines_do, 40e-6, 2},
                    {shape(4096, 64), Rereads::none, 50e-6, 1},
                    {shape(16384, 16), Rereads::as_engines_do, 30e-6, 1}};
  return rates;
}

double seconds(const ProductShape& of, Rereads rereads = Rereads::as_engines_do) {
  return gpu_product(measured(), of, rereads)->seconds;
}

TEST(Rates, KnowAProductAsItWasMeasured) {
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 16)), 10e-6);
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 64)), 40e-6);
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 64), Rereads::none), 50e-6);
  EXPECT_EQ(gpu_product(measured(), shape(4096, 64))->reads, 2U);
}

TEST(Rates, PutAProductBetweenTwoOnALineOfLogarithms) {
  EXPECT_NEAR(seconds(shape(4096, 32)), 20e-6, 1e-12);
  EXPECT_EQ(gpu_product(measured(), shape(4096, 32))->reads, 2U);  // of the next tile
}

TEST(Rates, ReadTheWeightForFewerTokensAndComputeForMore) {
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 1)), 10e-6);
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 128)), 80e-6);
  EXPECT_EQ(gpu_product(measured(), shape(4096, 128))->reads, 4U);
}

TEST(Rates, TakeTheWeightThatIsMostAlikeForAnother) {
  EXPECT_DOUBLE_EQ(seconds(shape(5120, 64)), 40e-6 * 5120 / 4096);
  EXPECT_DOUBLE_EQ(seconds(shape(14336, 16)), 30e-6 * 14336 / 16384);
}

TEST(Rates, KnowNothingOfWhatWasNotMeasured) {
  EXPECT_FALSE(gpu_product(measured(), {DType::fp16, 4096, 4096, 16}));
  EXPECT_FALSE(gpu_product(measured(), shape(4096, 16), Rereads::fewest_by_library));
  EXPECT_FALSE(cpu_product(measured(), shape(4096, 16)));
  EXPECT_FALSE(gpu_product({}, shape(4096, 16)));
}

}  // namespace
}  // namespace offload
