// SPDX-License-Identifier: Apache-2.0
#include "kernels/content.hpp"
#include "kernels/matmul.hpp"
#include "kernels/pointer_chase.hpp"
#include "kernels/reference/floats.hpp"
#include "kernels/stream_read.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "tests/unit/host_targets.hpp"

namespace offload::host {
namespace {

INSTANTIATE_TEST_SUITE_P(Targets, HostKernels,
                         testing::ValuesIn(hwy::SupportedAndGeneratedTargets()), target_name);

constexpr std::array gemv_dtypes{DType::bf16, DType::fp16, DType::fp8_e4m3};

struct Shape {
  std::size_t rows;
  std::size_t cols;
};
constexpr std::array<Shape, 12> shapes{{{1, 1},
                                        {3, 17},
                                        {7, 8},
                                        {8, 31},
                                        {9, 32},
                                        {17, 33},
                                        {16, 64},
                                        {5, 127},
                                        {2, 1025},
                                        {1000, 1003},
                                        {64, 4096},
                                        {1, 20000}}};

std::vector<float> gemv_of(const std::byte* w, DType dtype, Shape shape, const float* x,
                           HostWorkers& workers) {
  std::vector<float> y(shape.rows + 1, -12345.0F);
  gemv(w, dtype, shape.rows, shape.cols, x, y.data(), workers);
  workers.join();
  EXPECT_EQ(y.back(), -12345.0F) << "wrote past the last row";
  y.pop_back();
  return y;
}

TEST_P(HostKernels, GemvOfSmallIntegersIsExact) {
  HostWorkers workers(2);
  for (const auto dtype : gemv_dtypes) {
    for (const auto shape : shapes) {
      // Sums of integers below 2^24 are exact in fp32 in any order: a wrong, missing or doubled
      // element shows.
      std::vector<float> x(shape.cols);
      for (std::size_t c = 0; c < x.size(); ++c) x[c] = static_cast<float>(c * 7 % 9) - 4;
      std::vector<std::byte> w(shape.rows * shape.cols * bytes_of(dtype));
      std::vector<float> expected(shape.rows);
      for (std::size_t r = 0; r < shape.rows; ++r) {
        for (std::size_t c = 0; c < shape.cols; ++c) {
          const float value = static_cast<float>((r * 31 + c * 5 + r * c) % 33) - 16;
          const std::size_t at = (r * shape.cols + c) * bytes_of(dtype);
          reference::from_float(dtype, value, w.data() + at);
          expected[r] += reference::to_float(dtype, w.data() + at) * x[c];
        }
      }
      EXPECT_EQ(gemv_of(w.data(), dtype, shape, x.data(), workers), expected)
          << name(dtype) << ' ' << shape.rows << 'x' << shape.cols;
    }
  }
}

TEST_P(HostKernels, GemvOfRandomWeightsAtAnyAddress) {
  HostWorkers workers(3);
  for (const auto dtype : gemv_dtypes) {
    for (const auto shape : shapes) {
      const std::size_t bytes = shape.rows * shape.cols * bytes_of(dtype);
      std::vector<std::byte> content(bytes);
      reference::fill_random(content, dtype, shape.cols, workers);
      std::vector<float> x(shape.cols);
      reference::fill_random(std::as_writable_bytes(std::span(x)), DType::fp32, 3, workers);
      const auto expected = reference::gemv(content, dtype, shape.rows, shape.cols, x, workers);
      for (const std::size_t offset : {0, 1, 2, 3, 16, 63}) {
        std::vector<std::byte> moved(bytes + offset);
        std::copy(content.begin(), content.end(),
                  moved.begin() + static_cast<std::ptrdiff_t>(offset));
        const auto y = gemv_of(moved.data() + offset, dtype, shape, x.data(), workers);
        for (std::size_t r = 0; r < shape.rows; ++r) {
          // Roundings of fp32 sums grow like sqrt(cols) * 2^-24 of what was summed.
          ASSERT_NEAR(y[r], expected.y[r], 1e-5 * expected.magnitude[r])
              << name(dtype) << ' ' << shape.rows << 'x' << shape.cols << " row " << r;
        }
      }
    }
  }
}

TEST_P(HostKernels, GemvReadsNothingButItsOperands) {
  HostWorkers workers(2);
  for (const auto fence : {FencedBytes::At::begin, FencedBytes::At::end}) {
    for (const auto dtype : gemv_dtypes) {
      for (const auto shape : shapes) {
        const FencedBytes w(shape.rows * shape.cols * bytes_of(dtype), fence);
        const FencedBytes x(shape.cols * sizeof(float), fence);
        const FencedBytes y(shape.rows * sizeof(float), fence);
        std::memset(w.data(), 0, w.bytes().size());
        gemv(w.data(), dtype, shape.rows, shape.cols, reinterpret_cast<const float*>(x.data()),
             reinterpret_cast<float*>(y.data()), workers);
        workers.join();
      }
    }
  }
}

TEST_P(HostKernels, GemvDecodesEveryCode) {
  HostWorkers workers(2);
  for (const auto dtype : gemv_dtypes) {
    const std::size_t codes = std::size_t{1} << (8 * bytes_of(dtype));
    for (const std::size_t cols : {1UL, 37UL}) {
      // One code in each row, walking over the columns; all else is zero.
      std::vector<std::byte> w(codes * cols * bytes_of(dtype));
      std::vector<float> expected(codes);
      for (std::size_t code = 0; code < codes; ++code) {
        std::byte* element = w.data() + (code * cols + code % cols) * bytes_of(dtype);
        std::memcpy(element, &code, bytes_of(dtype));
        expected[code] = reference::to_float(dtype, element);
      }
      const std::vector<float> x(cols, 1.0F);
      const auto y = gemv_of(w.data(), dtype, {codes, cols}, x.data(), workers);
      for (std::size_t code = 0; code < codes; ++code) {
        if (std::isnan(expected[code])) {
          ASSERT_TRUE(std::isnan(y[code])) << name(dtype) << " code " << code << ": " << y[code];
        } else {
          ASSERT_EQ(y[code], expected[code]) << name(dtype) << " code " << code;
        }
      }
    }
  }
}

TEST_P(HostKernels, GemvIsTheSameWithAnyNumberOfWorkers) {
  constexpr Shape shape{101, 515};
  HostWorkers one(1);
  for (const auto dtype : gemv_dtypes) {
    std::vector<std::byte> w(shape.rows * shape.cols * bytes_of(dtype));
    reference::fill_random(w, dtype, 5, one);
    std::vector<float> x(shape.cols);
    reference::fill_random(std::as_writable_bytes(std::span(x)), DType::fp32, 6, one);
    const auto expected = gemv_of(w.data(), dtype, shape, x.data(), one);
    for (const std::size_t threads : {2, 3, 16, 200}) {
      HostWorkers workers(threads);
      EXPECT_EQ(gemv_of(w.data(), dtype, shape, x.data(), workers), expected) << threads;
    }
  }
}

TEST_P(HostKernels, GemvOfNothing) {
  HostWorkers workers(2);
  float y = 7;
  gemv(nullptr, DType::bf16, 0, 5, nullptr, &y, workers);
  workers.join();
  EXPECT_EQ(y, 7.0F);
  gemv(nullptr, DType::bf16, 1, 0, nullptr, &y, workers);  // an empty sum
  workers.join();
  EXPECT_EQ(y, 0.0F);
}

TEST_P(HostKernels, StreamReadOfAnySizeAndAddress) {
  HostWorkers workers(3);
  std::vector<std::size_t> sizes(600);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = i;
  sizes.insert(sizes.end(), {4095, 4096, 4097, 3 * 4096 + 2, 1'000'003});
  for (const auto bytes : sizes) {
    const FencedBytes fenced(bytes, bytes % 2 == 0 ? FencedBytes::At::end : FencedBytes::At::begin);
    reference::fill_random(fenced.bytes(), DType::u8, bytes, workers);
    std::uint64_t sum = 1000;  // is added to
    stream_read(fenced.data(), bytes, &sum, workers);
    workers.join();
    ASSERT_EQ(sum, 1000 + reference::stream_read(fenced.bytes(), workers)) << bytes << " bytes";
  }
}

TEST_P(HostKernels, StreamReadCarriesIntoTheUpperHalf) {
  HostWorkers workers(2);
  const std::vector<std::uint32_t> greatest(100'001, 0xFFFFFFFF);
  std::uint64_t sum = 0;
  stream_read(reinterpret_cast<const std::byte*>(greatest.data()), greatest.size() * 4, &sum,
              workers);
  workers.join();
  EXPECT_EQ(sum, 0xFFFFFFFFULL * greatest.size());
}

TEST(HostKernelsOnce, PointerChaseFollowsTheChain) {
  HostWorkers workers(2);
  std::vector<std::byte> data(128000);
  const auto chain = reference::make_chain(data, 9);
  for (const std::size_t steps : {0UL, 1UL, 999UL, 1000UL, 2500UL}) {
    const auto expected = reference::pointer_chase(data, chain.start, steps);
    std::array<std::uint64_t, 2> out{77, 77};
    pointer_chase(data.data(), chain.start, steps, out.data(), workers);
    workers.join();
    EXPECT_EQ(out[0], expected.last) << steps;
    EXPECT_EQ(out[1], expected.sum) << steps;
  }
}

TEST(HostKernelsOnce, KernelsRunInTheOrderEnqueued) {
  HostWorkers workers(2);
  // y1 = W x, then y2 = W y1: the second gemv must see all of the first one's result.
  constexpr std::size_t n = 512;
  std::vector<std::byte> w(n * n * 2);  // a cyclic shift by one
  for (std::size_t r = 0; r < n; ++r) {
    reference::from_float(DType::bf16, 1.0F, w.data() + (r * n + (r + 1) % n) * 2);
  }
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i);
  std::vector<float> y1(n);
  std::vector<float> y2(n);
  gemv(w.data(), DType::bf16, n, n, x.data(), y1.data(), workers);
  gemv(w.data(), DType::bf16, n, n, y1.data(), y2.data(), workers);
  workers.join();
  for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(y2[i], static_cast<float>((i + 2) % n));
}

TEST(HostKernelsOnce, GemvRefusesOtherDtypes) {
  HostWorkers workers(1);
  for (const auto dtype : {DType::fp32, DType::u8}) {
    EXPECT_THROW(gemv(nullptr, dtype, 1, 1, nullptr, nullptr, workers), std::invalid_argument);
  }
}

}  // namespace
}  // namespace offload::host
