// SPDX-License-Identifier: Apache-2.0
// The workloads on the CPU side: right results pass their check, wrong and missing ones do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/core/names.hpp"
#include "bench/measure/plan.hpp"
#include "bench/workloads/parts/products.hpp"
#include "kernels/content.hpp"
#include "tests/unit/fake_catalog.hpp"
#include "tests/unit/workload_bench.hpp"

namespace offload {
namespace {

using testing::Bench;
using testing::lose_one_product;
using testing::made;
using testing::one;
using testing::right;

struct Shape {
  DType dtype;
  std::size_t rows, cols;
};
void PrintTo(const Shape& shape, std::ostream* out) {
  *out << name(shape.dtype) << ' ' << shape.rows << 'x' << shape.cols;
}

/// Those of the catalog that the CPU can compute, those with a parameter for its smallest value.
std::vector<std::unique_ptr<Workload>> on_the_cpu() {
  std::vector<std::unique_ptr<Workload>> all;
  Catalog catalog = make_catalog();
  for (auto& workload : catalog.workloads) {
    const auto parameter = workload->parameter();
    auto smallest = parameter ? workload->with_parameter(parameter->min) : std::move(workload);
    if (smallest->runs_on_cpu()) all.push_back(std::move(smallest));
  }
  return all;
}

class OfEveryShape : public ::testing::TestWithParam<Shape> {};

TEST_P(OfEveryShape, RightResultsPass) {
  const auto [dtype, rows, cols] = GetParam();
  const WeightSet weights = one(dtype, rows, cols);
  for (const auto& workload : on_the_cpu()) {
    if (!workload->reads(weights)) continue;
    Bench bench(*workload, weights);
    EXPECT_EQ(bench.pass(), right) << workload->name();
    EXPECT_EQ(bench.pass(), right) << workload->name() << ", second pass";
  }
}

TEST_P(OfEveryShape, NothingReadIsFound) {
  const auto [dtype, rows, cols] = GetParam();
  const WeightSet weights = one(dtype, rows, cols);
  for (const auto& workload : on_the_cpu()) {
    if (!workload->reads(weights)) continue;
    Bench bench(*workload, weights);
    ASSERT_EQ(bench.pass(), right) << workload->name();
    bench.poison();
    EXPECT_NE(bench.check(), right) << workload->name();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Workloads, OfEveryShape,
    ::testing::Values(Shape{DType::bf16, 1000, 1003}, Shape{DType::bf16, 37, 5},
                      Shape{DType::bf16, 1, 4096}, Shape{DType::bf16, 64, 1},
                      Shape{DType::fp16, 1000, 1003}, Shape{DType::fp16, 1, 3},
                      Shape{DType::fp16, 128, 4096}, Shape{DType::fp8_e4m3, 1000, 1003},
                      Shape{DType::fp8_e4m3, 256, 2048}, Shape{DType::fp8_e4m3, 1, 1},
                      Shape{DType::fp32, 33, 65}, Shape{DType::u8, 1, 65537}));

// --- stream_read

TEST(StreamRead, ReadsEveryDtypeAndCountsWholeSectors) {
  const auto workload = made("stream_read");
  WeightSet weights{"set", {}};
  for (const DTypeInfo& entry : dtypes) {
    weights.tensors.push_back({std::string(entry.name), entry.dtype, 1, 33});
  }
  EXPECT_TRUE(workload->reads(weights));
  Bench bench(*workload, weights);
  EXPECT_EQ(bench.pass(), right);
  EXPECT_EQ(bench.bound().bytes().requested, 33U * (2 + 2 + 4 + 1 + 1));
  EXPECT_EQ(bench.bound().bytes().touched, 96U + 96 + 160 + 64 + 64);
  EXPECT_EQ(bench.bound().steps(), 0U);
}

TEST(StreamRead, PiecesAddUp) {
  Bench bench(*made("stream_read"), one(DType::bf16, 100, 33));
  bench.poison();
  bench.launch({0, 0, 40});
  bench.launch({0, 40, 2});
  bench.launch({0, 42, 58});
  EXPECT_EQ(bench.check(), right);
}

TEST(StreamRead, FindsOneWrongByteMissingAndRepeatedPieces) {
  Bench bench(*made("stream_read"), one(DType::u8, 4, 1024));
  bench.memory()[4095] ^= std::byte{1};
  const auto wrong = bench.pass();
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->find("checksum of down_proj"), std::string::npos) << *wrong;
  bench.memory()[4095] ^= std::byte{1};
  EXPECT_EQ(bench.pass(), right);

  const std::vector<Piece> parts{{0, 0, 3}, {0, 3, 1}, {0, 3, 1}};
  for (const auto& [count, is_right] : {std::pair(1, false), {2, true}, {3, false}}) {
    bench.poison();
    for (int i = 0; i < count; ++i) bench.launch(parts[static_cast<std::size_t>(i)]);
    EXPECT_EQ(bench.check() == right, is_right) << count;
  }
}

TEST(StreamRead, FindsTensorsOfOneShapeReadInEachOthersPlace) {
  const WeightSet alike{"alike", {{"a", DType::bf16, 64, 33}, {"b", DType::bf16, 64, 33}}};
  Bench bench(*made("stream_read"), alike, 32);
  EXPECT_EQ(bench.pass(), right);
  const Piece a{0, 0, 64};
  const Piece b{1, 0, 64};
  for (const auto& [first, second] : {std::pair{b, a}, {a, a}, {b, b}}) {
    bench.poison();
    bench.launch_as(a, first);
    bench.launch_as(b, second);
    EXPECT_NE(bench.check(), right) << first.tensor << second.tensor;
  }
}

TEST(StreamRead, FindsHalfOfATensorReadTwice) {
  Bench bench(*made("stream_read"), one(DType::bf16, 64, 33));
  const Piece first{0, 0, 32};
  const Piece second{0, 32, 32};
  for (const Piece& half : {first, second}) {
    bench.poison();
    bench.launch_as(first, half);
    bench.launch_as(second, half);
    EXPECT_NE(bench.check(), right) << half.first_row;
  }
  bench.poison();
  bench.launch(first);
  EXPECT_NE(bench.check(), right);
}

TEST(StreamRead, ReadsTheFirstRowsOfCutTensorsOnceMoreForTheCheck) {
  Bench bench(*made("stream_read"), one(DType::bf16, 100, 33));
  bench.poison();
  for (const Piece& piece : {Piece{0, 0, 2}, {0, 2, 10}, {0, 12, 8}, {0, 20, 80}}) {
    bench.launch(piece);
  }
  EXPECT_EQ(bench.check(), right);
}

TEST(StreamRead, RefusesPiecesBetweenWords) {
  Bench bench(*made("stream_read"), one(DType::u8, 10, 5));
  EXPECT_THROW(bench.launch({0, 1, 1}), std::logic_error);
}

// --- gemv

TEST(Gemv, SaysWhichDtypeItCannotRead) {
  const auto workload = made("gemv");
  EXPECT_TRUE(workload->reads(one(DType::fp8_e4m3, 2, 2)));
  const Support fp32 = workload->reads(one(DType::fp32, 2, 2));
  EXPECT_FALSE(fp32);
  EXPECT_EQ(fp32.reason(), "gemv reads bf16, fp16 and fp8_e4m3; down_proj is fp32");
  EXPECT_FALSE(workload->reads(one(DType::u8, 2, 2)));
}

TEST(Gemv, CountsTheWeights) {
  Bench bench(*made("gemv"), one(DType::bf16, 37, 5));
  EXPECT_EQ(bench.bound().bytes().requested, 370U);
  EXPECT_EQ(bench.bound().bytes().touched, 384U);
}

TEST(Gemv, PiecesFillTheirRowsInAnyOrder) {
  Bench bench(*made("gemv"), one(DType::fp16, 37, 101));
  bench.poison();
  bench.launch({0, 30, 7});
  bench.launch({0, 0, 17});
  const auto missing = bench.check();
  ASSERT_TRUE(missing);
  EXPECT_EQ(*missing, "row 17 of down_proj: never written");
  bench.launch({0, 17, 13});
  EXPECT_EQ(bench.check(), right);
}

TEST(Gemv, FindsRowsInTheWrongPlace) {
  Bench bench(*made("gemv"), one(DType::bf16, 64, 256));
  bench.poison();
  bench.launch({0, 0, 64});
  ASSERT_EQ(bench.check(), right);
  auto& memory = bench.memory();
  std::rotate(memory.begin(), memory.begin() + 512, memory.end());  // every row moves up by one
  EXPECT_NE(bench.pass(), right);
}

std::optional<std::string> with_one_weight_missing(DType dtype, std::size_t rows, std::size_t cols,
                                                   std::size_t row) {
  const WeightSet weights = one(dtype, rows, cols);
  Bench bench(*made("gemv"), weights);
  HostWorkers workers(1);
  const Tokens token(1, cols, dtype == DType::fp16 ? DType::fp16 : DType::bf16, workers);
  lose_one_product(bench, weights.tensors[0], row, token.folded(1));
  return bench.pass();
}

TEST(Gemv, FindsOneMissingProduct) {
  for (const DType dtype : {DType::bf16, DType::fp16, DType::fp8_e4m3}) {
    const auto wrong = with_one_weight_missing(dtype, 40, 1003, 17);
    ASSERT_TRUE(wrong) << name(dtype);
    EXPECT_EQ(wrong->rfind("row 17 of down_proj: got ", 0), 0U) << *wrong;
    EXPECT_TRUE(with_one_weight_missing(dtype, 3, 14336, 2)) << name(dtype);
  }
}

TEST(Gemv, FindsNotANumber) {
  Bench bench(*made("gemv"), one(DType::bf16, 8, 64));
  const std::uint16_t nan = 0x7fc0;
  std::memcpy(bench.memory().data() + (3 * 64 + 9) * sizeof(nan), &nan, sizeof(nan));
  const auto wrong = bench.pass();
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->rfind("row 3 of down_proj: got ", 0), 0U) << *wrong;
}

TEST(Gemv, ChecksEveryTensor) {
  const WeightSet weights{"block",
                          {{"up", DType::bf16, 16, 64}, {"down", DType::fp8_e4m3, 64, 16}}};
  Bench bench(*made("gemv"), weights);
  EXPECT_EQ(bench.pass(), right);
  bench.memory(1)[80] = std::byte{0x50};  // 8.0, greater than any weight
  const auto wrong = bench.pass();
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->find("row 5 of down:"), std::string::npos) << *wrong;
}

// --- pointer_chase

TEST(PointerChase, HopsLessThanOncePerNodeUpTo1024) {
  const auto workload = made("pointer_chase");
  Bench small(*workload, one(DType::u8, 1, 1024 + 127));  // 8 whole nodes
  EXPECT_EQ(small.bound().steps(), 7U);
  EXPECT_EQ(small.pass(), right);

  const WeightSet two{"two", {{"a", DType::bf16, 2048, 128}, {"b", DType::bf16, 64, 100}}};
  Bench bench(*workload, two);
  EXPECT_EQ(bench.bound().steps(), 1024U + 99);
  EXPECT_EQ(bench.bound().bytes().requested, 1123U * 8);
  EXPECT_EQ(bench.bound().bytes().touched, 1123U * 32);
  EXPECT_EQ(bench.pass(), right);
}

TEST(PointerChase, NeedsAKibibyte) {
  const auto workload = made("pointer_chase");
  EXPECT_TRUE(workload->reads(one(DType::u8, 1, 1024)));
  const Support small = workload->reads(one(DType::u8, 1, 1023));
  EXPECT_FALSE(small);
  EXPECT_EQ(small.reason(), "pointer_chase needs 1KiB per tensor; down_proj has 1023B");
}

TEST(PointerChase, FindsAnotherChain) {
  Bench bench(*made("pointer_chase"), one(DType::u8, 1, std::size_t{64} * 1024));
  ASSERT_EQ(bench.pass(), right);
  reference::make_chain(bench.memory(), 99);
  const auto wrong = bench.pass();
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->find("chain of down_proj: got at offset"), std::string::npos) << *wrong;
}

TEST(PointerChase, RefusesPartsOfATensor) {
  Bench bench(*made("pointer_chase"), one(DType::bf16, 64, 100));
  EXPECT_THROW(bench.launch({0, 0, 63}), std::logic_error);
  EXPECT_THROW(bench.launch({0, 1, 63}), std::logic_error);
}

// --- all

/// Weights of every sort that workloads here are made for: each must read at least one of them.
std::vector<WeightSet> candidate_weights() {
  std::vector<WeightSet> candidates;
  for (const DTypeInfo& entry : dtypes) candidates.push_back(one(entry.dtype, 64, 1024));
  candidates.push_back(one(DType::u8, 64, 1072));  // rows of 4-bit blocks
  WeightSet experts{"experts", {{"w13", DType::bf16, 16 * 6, 64, 0, 16}}};
  experts.routed_experts = 4;
  candidates.push_back(std::move(experts));
  return candidates;
}

TEST(Workloads, PassAndFindWhatIsSpoilt) {
  for (const auto& workload : on_the_cpu()) {
    bool reads = false;
    for (const WeightSet& weights : candidate_weights()) {
      if (!workload->reads(weights)) continue;
      reads = true;
      const std::string what =
          workload->label() + " of " + std::string(name(weights.tensors[0].dtype));
      Bench bench(*workload, weights);
      EXPECT_GT(bench.bound().bytes().requested, 0U) << what;
      EXPECT_GE(bench.bound().bytes().touched, bench.bound().bytes().requested) << what;
      EXPECT_EQ(bench.pass(), right) << what;
      // Whatever it reads is other bytes; a chain keeps its links inside the tensor.
      std::vector<std::byte>& memory = bench.memory();
      if (workload->content() == Content::chain) {
        reference::make_chain(memory, 99);
      } else {
        std::reverse(memory.begin(), memory.end());
      }
      EXPECT_NE(bench.pass(), right) << what << ", spoilt";
    }
    EXPECT_TRUE(reads) << workload->label() << " reads nothing that is tried here";
  }
}

TEST(Workloads, SayNoToGpuViewsWithoutAGpu) {
  for (const auto& workload : on_the_cpu()) {
    for (const WeightSet& weights : candidate_weights()) {
      if (!workload->reads(weights)) continue;
      Bench bench(*workload, weights);
      EXPECT_THROW(bench.launch(bench.bound().pieces().front(), Side::gpu), std::logic_error)
          << workload->label();
    }
  }
}

/// For the CPU alone.
class NoGpuKernel final : public Workload {
 public:
  std::string_view name() const override { return "no_gpu_kernel"; }
  std::string_view description() const override { return "the CPU's"; }
  Content content() const override { return Content::random_weights; }
  bool runs_on_gpu() const override { return false; }
  Support reads(const WeightSet&) const override { return Support::yes(); }
  std::unique_ptr<BoundWorkload> bind(const WeightSet&, std::span<const TensorContent>,
                                      HostWorkers&, bool) const override {
    throw std::logic_error("only planned");
  }
};

TEST(Workloads, WithoutAGpuKernelReadWhereTheCpuComputes) {
  Catalog catalog = make_catalog();
  catalog.workloads.push_back(std::make_unique<NoGpuKernel>());
  Options options;
  options.workloads = {"no_gpu_kernel"};
  options.sizes = {testing::mib};
  const Platform platform = testing::gpu_machine();
  const Plan plan = make_plan(options, catalog, platform);
  EXPECT_FALSE(plan.cases.empty());
  for (const Case& item : plan.cases) {
    EXPECT_EQ(item.policy->path(item.start, platform), Path::host_memory) << item.name();
  }
  const auto reason_is = [](const SkippedCase& item) {
    return item.reason == "no_gpu_kernel has no GPU kernel";
  };
  EXPECT_TRUE(std::any_of(plan.skipped.begin(), plan.skipped.end(), reason_is));
}

TEST(Workloads, AreNamedAndDescribed) {
  const Catalog catalog = make_catalog();
  std::set<std::string_view> names;
  for (const auto& workload : catalog.workloads) {
    const std::string_view name = workload->name();
    EXPECT_TRUE(is_plain_name(name)) << name;
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_EQ(catalog.workload(name), workload.get());
    EXPECT_FALSE(workload->description().empty()) << name;
    EXPECT_EQ(split_label(workload->label()).name, name);
  }
}

TEST(Workloads, TakeTheValuesOfTheirParameter) {
  const Catalog catalog = make_catalog();
  for (const auto& workload : catalog.workloads) {
    const auto parameter = workload->parameter();
    if (!parameter) {
      EXPECT_THROW(static_cast<void>(workload->with_parameter(1)), std::logic_error);
      EXPECT_EQ(workload->label(), workload->name());
      continue;
    }
    EXPECT_EQ(parameter->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
              std::string_view::npos)
        << parameter->name << " is not what results allow";
    for (const std::size_t value : {parameter->min, parameter->max, parameter->value}) {
      EXPECT_TRUE(parameter->allows(value)) << workload->name() << ' ' << value;
      const auto varied = workload->with_parameter(value);
      EXPECT_EQ(varied->name(), workload->name());
      const std::string label = varied->label();
      const WorkloadLabel parts = split_label(label);
      EXPECT_EQ(parts.parameter, parameter->name);
      EXPECT_EQ(parameter->parse(parts.value), std::optional(value)) << label;
    }
  }
}

}  // namespace
}  // namespace offload
