// SPDX-License-Identifier: Apache-2.0
#include "offload/weights.hpp"

#include <gtest/gtest.h>

#include "bench/catalog.hpp"

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

TEST(WeightParts, WhereAllIsResidentThereIsNoPart) {
  WeightTensor resident{"resident", DType::bf16, 64, 1024};
  resident.resident = true;
  EXPECT_TRUE(plain_part({"w", {resident}}, mebibyte).tensors.empty());
}

TEST(WeightParts, APartStandsForWeightsOfWhichTheSameShareIsRead) {
  const Catalog catalog = make_catalog();
  const WeightSet weights{"w", {{"w", DType::bf16, 4096, 4096}}};          // 32 MiB
  const WeightSet huge{"huge", {{"huge", DType::bf16, 4096 * 64, 4096}}};  // 2 GiB
  EXPECT_EQ(catalog.workload("stream_read")->part(huge, mebibyte)->bytes(), mebibyte);
  EXPECT_EQ(catalog.workload("gemv")->part(huge, mebibyte)->bytes(), mebibyte);
  EXPECT_FALSE(catalog.workload("pointer_chase")->part(weights, mebibyte));
  const WeightSet experts{"e", {{"e", DType::bf16, 64 * 64, 2048, 0, 64}}, std::nullopt, 8};
  EXPECT_FALSE(catalog.workload("expert_gather")->part(experts, mebibyte));
  // An eighth of the chunks, but 65536 at most.
  const Workload& gather = *catalog.workload("row_gather");
  EXPECT_TRUE(gather.with_parameter(4096)->part(huge, mebibyte));
  EXPECT_FALSE(gather.with_parameter(2048)->part(huge, mebibyte));
  EXPECT_FALSE(gather.with_parameter(std::size_t{2} << 20)
                   ->part({"few", {{"few", DType::bf16, 1024, 4096}}},  // 8 MiB: at least one chunk
                          8 * mebibyte));
}

}  // namespace
}  // namespace offload
