// SPDX-License-Identifier: Apache-2.0
// Which products the calibration times, and that it times what a plan computes.
#include "bench/measure/case_rates.hpp"

#include <gtest/gtest.h>

#include "tests/unit/fake_catalog.hpp"

namespace offload {
namespace {

std::vector<std::size_t> tokens_of(const std::vector<std::size_t>& tokens) {
  std::vector<ProductShape> shapes;
  for (const std::size_t number : tokens) shapes.push_back({DType::bf16, 1024, 512, number});
  std::vector<std::size_t> measured;
  for (const ProductShape& shape : shapes_to_measure(shapes)) measured.push_back(shape.tokens);
  return measured;
}

TEST(CaseRates, MeasureAFewNumbersOfTokensEachAndOfManyThoseFarApart) {
  EXPECT_EQ(tokens_of({512, 1, 8}), (std::vector<std::size_t>{1, 8, 512}));
  EXPECT_EQ(tokens_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 20, 33}),
            (std::vector<std::size_t>{1, 2, 4, 8, 16, 33}));
}

TEST(CaseRates, KeepWeightsApart) {
  const std::vector<ProductShape> shapes{
      {DType::bf16, 1024, 512, 1}, {DType::fp16, 1024, 512, 1}, {DType::bf16, 512, 1024, 1}};
  EXPECT_EQ(shapes_to_measure(shapes).size(), 3U);
}

TEST(CaseRates, TimeTheProductsThatThePlanComputesOnTheCpu) {
  const Catalog catalog = make_catalog();
  Platform platform = testing::cpu_machine();
  platform.host.last_level_cache_bytes = std::size_t{1} << 20;  // flushes quickly
  Options options;
  options.tensors = {{"w", DType::bf16, 256, 512}};
  options.workloads = {"gemv", "gemm/tokens:4", "stream_read"};
  options.policies = {"host_compute"};
  const Plan plan = make_plan(options, catalog, platform);
  Session session(platform, 1);
  Calibration found;
  found.host_read = 1e12;
  WallTime wall;
  Loop loop(session, found, wall);
  std::size_t steps = 0;
  calibrate_products({session, loop, catalog, wall, [&](std::string_view) { ++steps; }}, plan,
                     found);
  ASSERT_EQ(found.host_products.size(), 2U);
  EXPECT_TRUE(found.products.empty());  // there is no GPU
  EXPECT_EQ(found.host_products[0].shape, (ProductShape{DType::bf16, 256, 512, 1}));
  EXPECT_EQ(found.host_products[1].shape, (ProductShape{DType::bf16, 256, 512, 4}));
  for (const ProductTime& product : found.host_products) EXPECT_GT(product.seconds, 0);
  EXPECT_EQ(steps, 2U);
}

}  // namespace
}  // namespace offload
