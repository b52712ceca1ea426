// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/weight_parts.hpp"

#include <gtest/gtest.h>

namespace offload {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

TEST(WeightParts, APlainPartHasRowsOfTheFirstOffloadedTensor) {
  WeightTensor resident{"resident", DType::bf16, 64, 1024};
  resident.resident = true;
  const WeightSet weights{"w", {resident, {"large", DType::bf16, 4096, 4096, 0, 16}}};
  const WeightSet part = plain_part(weights, mebibyte);
  ASSERT_EQ(part.tensors.size(), 1U);
  EXPECT_EQ(part.tensors[0].name, "large");
  EXPECT_EQ(part.tensors[0].rows, 128U);  // of 8 KiB each
  EXPECT_EQ(part.tensors[0].experts, 0U);
  EXPECT_EQ(part.name, "part of w");
}

TEST(WeightParts, APlainPartIsNeverLargerThanTheTensorNorEmpty) {
  const WeightSet small{"small", {{"small", DType::bf16, 64, 1024}}};
  EXPECT_EQ(plain_part(small, mebibyte).tensors[0].rows, 64U);
  const WeightSet wide{"wide", {{"wide", DType::bf16, 64, 1 << 20}}};  // a row is 2 MiB
  EXPECT_EQ(plain_part(wide, mebibyte).tensors[0].rows, 4U);
}

TEST(WeightParts, ARoutedPartLeavesTheRouterAChoice) {
  // 128 experts of 1 MiB, 8 a token.
  const WeightSet experts{
      "experts", {{"e", DType::bf16, 128 * 256, 2048, 0, 128}}, std::nullopt, 8};
  const WeightSet part = routed_part(experts, 4 * mebibyte);
  ASSERT_EQ(part.tensors.size(), 1U);
  EXPECT_EQ(part.tensors[0].experts, 16U);
  EXPECT_EQ(part.tensors[0].rows, 16U * 256U);
  EXPECT_EQ(part.experts_per_token(), 8U);
  EXPECT_EQ(routed_part(experts, 40 * mebibyte).tensors[0].experts, 40U);
  EXPECT_EQ(routed_part(experts, 400 * mebibyte).tensors[0].experts, 128U);
}

TEST(WeightParts, WhereAllIsResidentOrNothingIsRoutedThereIsNoPart) {
  WeightTensor resident{"resident", DType::bf16, 64, 1024};
  resident.resident = true;
  EXPECT_TRUE(plain_part({"w", {resident}}, mebibyte).tensors.empty());
  EXPECT_TRUE(routed_part({"w", {{"dense", DType::bf16, 64, 1024}}}, mebibyte).tensors.empty());
}

}  // namespace
}  // namespace offload
