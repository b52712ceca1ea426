// SPDX-License-Identifier: Apache-2.0
// The CPU's gemm against the scalar reference, with every instruction set.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <ostream>
#include <stdexcept>
#include <vector>

#include "kernels/content.hpp"
#include "kernels/matmul.hpp"
#include "kernels/reference/floats.hpp"
#include "tests/unit/host_targets.hpp"

namespace offload::host {
namespace {

class HostGemm : public HostKernels {};

INSTANTIATE_TEST_SUITE_P(Targets, HostGemm, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         target_name);

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
  std::vector<Shape> all{{1, 1, 2},     {4, 64, 4},     {67, 33, 5}, {130, 8, 9},   {3, 4097, 3},
                         {9, 8200, 37}, {66, 4096, 18}, {5, 31, 64}, {6, 127, 131}, {1, 20000, 2}};
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

  /// y with `gap` values between its rows, which must stay as they were.
  std::vector<float> run(HostWorkers& workers, std::size_t gap = 3) const {
    const std::size_t ld = shape.rows + gap;
    std::vector<float> padded(shape.tokens * ld, untouched);
    gemm(w.data(), dtype, shape.rows, shape.cols, x.data(), shape.tokens, padded.data(), ld,
         workers);
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

Product random_product(DType dtype, Shape shape, HostWorkers& workers) {
  Product product{shape, dtype, {}, {}};
  product.w.resize(shape.rows * shape.cols * bytes_of(dtype));
  reference::fill_random(product.w, dtype, shape.cols, workers);
  product.x.resize(shape.tokens * shape.cols);
  reference::fill_random(std::as_writable_bytes(std::span(product.x)), DType::fp32, 3, workers);
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
      Product product{shape, dtype, {}, std::vector<float>(tokens * cols)};
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
      const Product product = random_product(dtype, shape, workers);
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
        gemm(w.data(), dtype, rows, cols, reinterpret_cast<const float*>(x.data()), tokens,
             reinterpret_cast<float*>(y.data()), rows, workers);
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
      Product product{{codes, cols, 5}, dtype, {}, std::vector<float>(5 * cols, 1.0F)};
      product.w.resize(codes * cols * bytes_of(dtype));
      std::vector<float> expected(codes);
      for (std::size_t code = 0; code < codes; ++code) {
        std::byte* element = product.w.data() + (code * cols + code % cols) * bytes_of(dtype);
        std::memcpy(element, &code, bytes_of(dtype));
        expected[code] = reference::to_float(dtype, element);
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
    const Product product = random_product(dtype, {101, 515, 7}, one);
    const auto expected = product.run(one);
    for (const std::size_t threads : {2UL, 3UL, 16UL, 200UL}) {
      HostWorkers workers(threads);
      EXPECT_EQ(product.run(workers), expected) << threads;
    }
  }
}

TEST_P(HostGemm, OfNothing) {
  HostWorkers workers(2);
  std::array<float, 4> y{7, 7, 7, 7};
  gemm(nullptr, DType::bf16, 0, 5, nullptr, 2, y.data(), 2, workers);
  gemm(nullptr, DType::bf16, 2, 5, nullptr, 0, y.data(), 2, workers);
  workers.join();
  EXPECT_EQ(y, (std::array<float, 4>{7, 7, 7, 7}));
  gemm(nullptr, DType::bf16, 1, 0, nullptr, 2, y.data(), 2, workers);  // empty sums
  workers.join();
  EXPECT_EQ(y, (std::array<float, 4>{0, 7, 0, 7}));
}

TEST(HostGemmOnce, RefusesOtherDtypes) {
  HostWorkers workers(1);
  for (const auto dtype : {DType::fp32, DType::u8}) {
    EXPECT_THROW(gemm(nullptr, dtype, 1, 1, nullptr, 2, nullptr, 1, workers),
                 std::invalid_argument);
  }
}

}  // namespace
}  // namespace offload::host
