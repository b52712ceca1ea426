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

TEST(Rates, AreSharedByGpusOfOneHostButForTheirLinks) {
  Rates all;
  all.copy_h2d = 50e9;
  all.host_read = 160e9;
  all.host_read_by_threads = {{1, 10e9}, {16, 160e9}};
  all.host_flops = 4e12;
  all.host_products = {{{DType::bf16, 100, 100, 1}, Rereads::as_engines_do, 1e-3}};
  const Rates one = with_share_of_host(all, 4);
  EXPECT_EQ(one.copy_h2d, all.copy_h2d);
  EXPECT_DOUBLE_EQ(one.host_read, 40e9);
  EXPECT_DOUBLE_EQ(one.host_read_by_threads.at(1), 10e9);
  EXPECT_DOUBLE_EQ(one.host_read_by_threads.at(16), 40e9);
  EXPECT_DOUBLE_EQ(one.host_flops.value(), 1e12);
  EXPECT_DOUBLE_EQ(one.host_products.front().seconds, 4e-3);
  EXPECT_EQ(with_share_of_host(all, 1), all);
}

TEST(Rates, PutAProductBetweenTwoOnALineOfLogarithms) {
  EXPECT_NEAR(seconds(shape(4096, 32)), 20e-6, 1e-12);
  EXPECT_EQ(gpu_product(measured(), shape(4096, 32))->reads, 2U);  // of the next tile
}

TEST(Rates, KnowHowOftenAWeightIsReadWhereItWasAsked) {
  Rates rates = measured();
  rates.product_reads = {{DType::bf16, 4096, 4096, Rereads::as_engines_do, {{32, 1}, {128, 7}}}};
  EXPECT_EQ(gpu_product(rates, shape(4096, 32))->reads, 1U);
  EXPECT_EQ(gpu_product(rates, shape(4096, 128))->reads, 7U);
  EXPECT_EQ(gpu_product(rates, shape(4096, 33))->reads, 2U);  // of the next that was timed
  EXPECT_EQ(gpu_product(rates, shape(4096, 32), Rereads::none)->reads, 1U);
  EXPECT_DOUBLE_EQ(gpu_product(rates, shape(4096, 32))->seconds, seconds(shape(4096, 32)));
}

TEST(Rates, SlowDownBetweenTwoAsTheOneThatComputesMore) {
  Rates rates = measured();
  rates.products[1].slowdown = 1.25;
  EXPECT_DOUBLE_EQ(gpu_product(rates, shape(4096, 16))->slowdown, 1);
  EXPECT_DOUBLE_EQ(gpu_product(rates, shape(4096, 32))->slowdown, 1.25);
  EXPECT_DOUBLE_EQ(gpu_product(rates, shape(4096, 128))->slowdown, 1.25);
}

TEST(Rates, ReadTheWeightForFewerTokensAndComputeForMore) {
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 1)), 10e-6);
  EXPECT_DOUBLE_EQ(seconds(shape(4096, 128)), 80e-6);
  EXPECT_EQ(gpu_product(measured(), shape(4096, 128))->reads, 4U);
}

TEST(Rates, DoNotComputeManyTokensByTheTimeOfReadingForFew) {
  EXPECT_FALSE(gpu_product(measured(), shape(4096, 129)));
  Rates rates = measured();
  rates.products[1].shape.tokens = 256;
  EXPECT_DOUBLE_EQ(gpu_product(rates, shape(4096, 2560))->seconds, 400e-6);
  rates.products[1].shape.tokens = 64;
  rates.device_read = 1e12;
  rates.flops = 100e12;
  rates.launch = 0;
  EXPECT_DOUBLE_EQ(gpu_product(rates, shape(4096, 1000))->seconds,
                   2.0 * 4096 * 4096 * 1000 / 100e12);
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

/// Of a machine of which products are not known: 1 TB/s, 100 TFLOP/s.
Rates published() {
  Rates rates;
  rates.device_read = 1e12;
  rates.flops = 100e12;
  rates.launch = 4e-6;
  return rates;
}

TEST(Rates, ReadOrComputeWhereNoProductWasMeasured) {
  const double weight = 2.0 * 4096 * 4096;
  const auto one = gpu_product(published(), shape(4096, 1));
  EXPECT_DOUBLE_EQ(one->seconds, weight / 1e12 + 4e-6);
  EXPECT_DOUBLE_EQ(gpu_product(published(), shape(4096, 64))->seconds, one->seconds);
  const auto many = gpu_product(published(), shape(4096, 512));
  EXPECT_DOUBLE_EQ(many->seconds, weight * 512 / 100e12 + 4e-6);
  EXPECT_EQ(many->shape, shape(4096, 512));
  EXPECT_DOUBLE_EQ(gpu_product(published(), {DType::fp16, 4096, 4096, 512})->seconds,
                   many->seconds);
}

TEST(Rates, ComputeFp8TwiceAsFastUnlessTheySay) {
  const ProductShape fp8{DType::fp8_e4m3, 4096, 4096, 512};
  const double operations = 2.0 * 4096 * 4096 * 512;
  EXPECT_DOUBLE_EQ(gpu_product(published(), fp8)->seconds, operations / 200e12 + 4e-6);
  Rates said = published();
  said.flops_fp8 = 100e12;
  EXPECT_DOUBLE_EQ(gpu_product(said, fp8)->seconds, operations / 100e12 + 4e-6);
}

TEST(Rates, ReadAWeightAgainForEachBlockOfTokens) {
  const auto reads = [](std::size_t tokens, Rereads rereads) {
    return gpu_product(published(), shape(4096, tokens), rereads)->reads;
  };
  EXPECT_EQ(reads(1, Rereads::as_engines_do), 1U);
  EXPECT_EQ(reads(256, Rereads::as_engines_do), 1U);
  EXPECT_EQ(reads(257, Rereads::as_engines_do), 2U);
  EXPECT_EQ(reads(4096, Rereads::as_engines_do), 16U);
  EXPECT_EQ(reads(4096, Rereads::fewest_by_library), 4U);
  EXPECT_EQ(reads(4096, Rereads::none), 1U);
}

TEST(Rates, TakeWhatWasMeasuredBeforeWhatWasPublished) {
  Rates both = measured();
  both.device_read = 1e12;
  both.flops = 100e12;
  both.launch = 4e-6;
  EXPECT_DOUBLE_EQ(gpu_product(both, shape(4096, 16))->seconds, 10e-6);
  EXPECT_TRUE(gpu_product(both, {DType::fp16, 4096, 4096, 16}));
}

TEST(Rates, NeedToComputeForManyTokensOnly) {
  Rates reading = published();
  reading.flops.reset();
  EXPECT_TRUE(gpu_product(reading, shape(4096, 1)));
  EXPECT_FALSE(gpu_product(reading, shape(4096, 2)));
  reading.launch.reset();
  EXPECT_FALSE(gpu_product(reading, shape(4096, 1)));
  EXPECT_FALSE(gpu_product(published(), {DType::fp32, 4096, 4096, 1}));

  Rates host;
  host.host_read = 100e9;
  EXPECT_DOUBLE_EQ(cpu_product(host, shape(4096, 1))->seconds, 2.0 * 4096 * 4096 / 100e9);
  EXPECT_FALSE(cpu_product(host, shape(4096, 8)));
  host.host_flops = 1e12;
  EXPECT_DOUBLE_EQ(cpu_product(host, shape(4096, 256))->seconds, 512.0 * 4096 * 4096 / 1e12);
}

}  // namespace
}  // namespace offload
