// SPDX-License-Identifier: Apache-2.0
// The CPU's gemm against the scalar reference: in fp32 with every instruction set, and by every
// unit that multiplies bf16.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/content.hpp"
#include "kernels/matmul.hpp"
#include "kernels/reference/floats.hpp"
#include "tests/unit/host_targets.hpp"

namespace offload::host {
namespace {

/// In fp32 with one of Highway's instruction sets, or by a unit.
struct Way {
  std::int64_t target = 0;
  const Bf16Unit* unit = nullptr;
};

std::string way_name(const testing::TestParamInfo<Way>& info) {
  if (info.param.unit == nullptr) return hwy::TargetName(info.param.target);
  std::string text(name(*info.param.unit));
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::vector<Way> ways() {
  std::vector<Way> all;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) all.push_back({target, nullptr});
  for (const Bf16Unit* unit : bf16_units()) all.push_back({0, unit});
  return all;
}

class HostGemm : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (GetParam().unit == nullptr) hwy::SetSupportedTargetsForTest(GetParam().target);
  }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
  static const Bf16Unit* unit() { return GetParam().unit; }
};

INSTANTIATE_TEST_SUITE_P(Ways, HostGemm, testing::ValuesIn(ways()), way_name);

constexpr std::array gemm_dtypes{DType::bf16, DType::fp16, DType::fp8_e4m3};
constexpr float untouched = -12345.0F;

struct Shape {
  std::size_t rows, cols, tokens;
};
std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.rows << 'x' << shape.cols << ", " << shape.tokens << " tokens";
}

/// Every number of tokens up to two whole tiles and beyond; tails of rows and of columns; more
/// rows, columns and tokens than the kernel takes at a time.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{1, 1, 2},     {4, 64, 4},      {67, 33, 5},  {130, 8, 9},   {3, 4097, 3},
                         {9, 8200, 37}, {66, 4096, 18},  {5, 31, 64},  {6, 127, 131}, {1, 20000, 2},
                         {300, 70, 40}, {33, 1100, 300}, {290, 33, 17}};
  for (std::size_t tokens = 1; tokens <= 37; ++tokens) {
    all.push_back({7, 97, tokens});
    all.push_back({8, 160, tokens});
  }
  return all;
}

struct Product {
  Shape shape;
  DType dtype;
  std::vector<std::byte> w;
  std::vector<float> x;

  const Bf16Unit* unit;

  /// y with `gap` values between its rows, which must stay as they were.
  std::vector<float> run(HostWorkers& workers, std::size_t gap = 3) const {
    const std::size_t ld = shape.rows + gap;
    std::vector<float> padded(shape.tokens * ld, untouched);
    const GemmInput input(x.data(), shape.tokens, shape.cols, unit);
    gemm(w.data(), dtype, shape.rows, shape.cols, input, shape.tokens, padded.data(), ld, workers);
    workers.join();
    std::vector<float> y;
    for (std::size_t i = 0; i < padded.size(); ++i) {
      if (i % ld < shape.rows) {
        y.push_back(padded[i]);
      } else {
        EXPECT_EQ(padded[i], untouched) << name(dtype) << ' ' << shape << ": wrote beside y";
      }
    }
    return y;
  }
};

/// x of bf16 values, so that a unit can take part.
Product random_product(DType dtype, Shape shape, const Bf16Unit* unit, HostWorkers& workers) {
  Product product{shape, dtype, {}, {}, unit};
  product.w.resize(shape.rows * shape.cols * bytes_of(dtype));
  reference::fill_random(product.w, dtype, shape.cols, workers);
  product.x.resize(shape.tokens * shape.cols);
  std::vector<std::byte> x(product.x.size() * bytes_of(DType::bf16));
  reference::fill_random(x, DType::bf16, 3, workers);
  for (std::size_t i = 0; i < product.x.size(); ++i) {
    product.x[i] = reference::to_float(DType::bf16, x.data() + i * bytes_of(DType::bf16));
  }
  return product;
}

TEST_P(HostGemm, OfSmallIntegersIsExact) {
  HostWorkers workers(2);
  for (const auto dtype : gemm_dtypes) {
    for (const auto shape : shapes()) {
      // Sums of integers below 2^24 are exact in fp32 in any order: a wrong, missing or doubled
      // element shows.
      const auto [rows, cols, tokens] = shape;
      std::vector<float> values(rows * cols);
      Product product{shape, dtype, {}, std::vector<float>(tokens * cols), unit()};
      product.w.resize(rows * cols * bytes_of(dtype));
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float value = static_cast<float>((i * 31 + i / cols * 5) % 33) - 16;
        reference::from_float(dtype, value, product.w.data() + i * bytes_of(dtype));
        values[i] = reference::to_float(dtype, product.w.data() + i * bytes_of(dtype));
      }
      for (std::size_t i = 0; i < product.x.size(); ++i) {
        product.x[i] = static_cast<float>((i * 7 + i / cols * 3) % 9) - 4;
      }
      std::vector<float> expected(tokens * rows);
      for (std::size_t t = 0; t < tokens; ++t) {
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t c = 0; c < cols; ++c) {
            expected[t * rows + r] += values[r * cols + c] * product.x[t * cols + c];
          }
        }
      }
      ASSERT_EQ(product.run(workers), expected) << name(dtype) << ' ' << shape;
    }
  }
}

TEST_P(HostGemm, OfRandomWeights) {
  HostWorkers workers(3);
  for (const auto dtype : gemm_dtypes) {
    for (const Shape shape : {Shape{67, 33, 5}, {9, 8200, 6}, {66, 4096, 18}, {3, 31, 67}}) {
      const Product product = random_product(dtype, shape, unit(), workers);
      const auto y = product.run(workers);
      for (std::size_t t = 0; t < shape.tokens; ++t) {
        const auto x = std::span(product.x).subspan(t * shape.cols, shape.cols);
        const auto expected = reference::gemv(product.w, dtype, shape.rows, shape.cols, x, workers);
        for (std::size_t r = 0; r < shape.rows; ++r) {
          // Roundings of fp32 sums grow like sqrt(cols) * 2^-24 of what was summed.
          ASSERT_NEAR(y[t * shape.rows + r], expected.y[r], 1e-5 * expected.magnitude[r])
              << name(dtype) << ' ' << shape << ": row " << r << " of token " << t;
        }
      }
    }
  }
}

TEST_P(HostGemm, ReadsNothingButItsOperands) {
  HostWorkers workers(2);
  for (const auto fence : {FencedBytes::At::begin, FencedBytes::At::end}) {
    for (const auto dtype : gemm_dtypes) {
      for (const auto [rows, cols, tokens] : shapes()) {
        const FencedBytes w(rows * cols * bytes_of(dtype), fence);
        const FencedBytes x(tokens * cols * sizeof(float), fence);
        const FencedBytes y(tokens * rows * sizeof(float), fence);
        std::memset(w.data(), 0, w.bytes().size());
        std::memset(x.data(), 0, x.bytes().size());
        const GemmInput input(reinterpret_cast<const float*>(x.data()), tokens, cols, unit());
        gemm(w.data(), dtype, rows, cols, input, tokens, reinterpret_cast<float*>(y.data()), rows,
             workers);
        workers.join();
      }
    }
  }
}

TEST_P(HostGemm, DecodesEveryCode) {
  HostWorkers workers(2);
  for (const auto dtype : gemm_dtypes) {
    const std::size_t codes = std::size_t{1} << (8 * bytes_of(dtype));
    for (const std::size_t cols : {1UL, 37UL, 160UL}) {
      // One code in each row, walking over the columns; all else is zero.
      Product product{{codes, cols, 5}, dtype, {}, std::vector<float>(5 * cols, 1.0F), unit()};
      product.w.resize(codes * cols * bytes_of(dtype));
      std::vector<float> expected(codes);
      for (std::size_t code = 0; code < codes; ++code) {
        std::byte* element = product.w.data() + (code * cols + code % cols) * bytes_of(dtype);
        std::memcpy(element, &code, bytes_of(dtype));
        expected[code] = reference::to_float(dtype, element);
        // What is subnormal in bf16, no weight of a model is.
        const bool subnormal = std::fpclassify(expected[code]) == FP_SUBNORMAL;
        if (subnormal && unit() != nullptr) expected[code] = 0;
      }
      const auto y = product.run(workers);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t code = i % codes;
        if (std::isnan(expected[code])) {
          ASSERT_TRUE(std::isnan(y[i])) << name(dtype) << " code " << code << ": " << y[i];
        } else {
          ASSERT_EQ(y[i], expected[code]) << name(dtype) << " code " << code;
        }
      }
    }
  }
}

TEST_P(HostGemm, IsTheSameWithAnyNumberOfWorkers) {
  HostWorkers one(1);
  for (const auto dtype : gemm_dtypes) {
    const Product product = random_product(dtype, {101, 515, 7}, unit(), one);
    const auto expected = product.run(one);
    for (const std::size_t threads : {2UL, 3UL, 16UL, 200UL}) {
      HostWorkers workers(threads);
      EXPECT_EQ(product.run(workers), expected) << threads;
    }
  }
}

TEST_P(HostGemm, TakesTheFirstTokensOfItsInput) {
  HostWorkers workers(2);
  for (const auto dtype : gemm_dtypes) {
    const Product all = random_product(dtype, {37, 70, 50}, unit(), workers);
    const GemmInput input(all.x.data(), 50, 70, unit());
    for (const std::size_t tokens : {2UL, 15UL, 16UL, 17UL, 33UL}) {
      Product some = all;
      some.shape.tokens = tokens;
      some.x.resize(tokens * 70);
      std::vector<float> y(tokens * 37);
      gemm(all.w.data(), dtype, 37, 70, input, tokens, y.data(), 37, workers);
      workers.join();
      EXPECT_EQ(y, some.run(workers, 0)) << name(dtype) << ", " << tokens << " tokens";
    }
  }
}

TEST_P(HostGemm, OfNothing) {
  HostWorkers workers(2);
  std::array<float, 4> y{7, 7, 7, 7};
  const GemmInput none(nullptr, 0, 5, unit());
  gemm(nullptr, DType::bf16, 0, 5, none, 2, y.data(), 2, workers);
  gemm(nullptr, DType::bf16, 2, 5, none, 0, y.data(), 2, workers);
  workers.join();
  EXPECT_EQ(y, (std::array<float, 4>{7, 7, 7, 7}));
  const GemmInput empty(nullptr, 2, 0, unit());
  gemm(nullptr, DType::bf16, 1, 0, empty, 2, y.data(), 2, workers);  // empty sums
  workers.join();
  EXPECT_EQ(y, (std::array<float, 4>{0, 7, 0, 7}));
}

TEST(HostGemmOnce, ValuesThatAreNotBf16AreMultipliedInFp32) {
  const float exact = 1.5F;
  for (const Bf16Unit* unit : bf16_units()) {
    EXPECT_EQ(GemmInput(&exact, 1, 1, unit).unit(), unit);
    for (const float value : {1.0F + 0x1p-8F, 0x1p-130F}) {
      const std::array<float, 3> x{1, value, 2};
      EXPECT_EQ(GemmInput(x.data(), 1, 3, unit).unit(), nullptr) << value;
    }
  }
  EXPECT_EQ(GemmInput(&exact, 1, 1, nullptr).unit(), nullptr);
  EXPECT_EQ(GemmInput(&exact, 1, 1).unit(), bf16_units().empty() ? nullptr : bf16_units().front());
}

TEST(HostGemmOnce, RefusesOtherDtypes) {
  HostWorkers workers(1);
  for (const auto dtype : {DType::fp32, DType::u8}) {
    const GemmInput input(nullptr, 0, 1);
    EXPECT_THROW(gemm(nullptr, dtype, 1, 1, input, 2, nullptr, 1, workers), std::invalid_argument);
  }
}

}  // namespace
}  // namespace offload::host
