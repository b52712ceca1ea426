// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.hpp"
#include "kernels/pointer_chase.hpp"
#include "kernels/reference/floats.hpp"
#include "kernels/stream_read.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

namespace offload::reference {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr std::array narrow{DType::bf16, DType::fp16, DType::fp8_e4m3};

float decode(DType dtype, std::uint32_t code) {
  std::array<std::byte, 4> bytes;
  std::memcpy(bytes.data(), &code, sizeof(code));
  return to_float(dtype, bytes.data());
}

std::uint32_t encode(DType dtype, float value) {
  std::uint32_t code = 0;
  std::array<std::byte, 4> bytes{};
  from_float(dtype, value, bytes.data());
  std::memcpy(&code, bytes.data(), bytes_of(dtype));
  return code;
}

std::uint32_t sign_bit(DType dtype) { return dtype == DType::fp8_e4m3 ? 0x80 : 0x8000; }

/// From the formats' definitions: IEEE 754 binary16, bfloat16, OCP 8-bit floating point E4M3.
std::uint32_t greatest_code(DType dtype) {
  if (dtype == DType::bf16) return 0x7F7F;
  return dtype == DType::fp16 ? 0x7BFF : 0x7E;
}

TEST(ReferenceFloats, KnownCodes) {
  EXPECT_EQ(decode(DType::bf16, 0x3F80), 1.0F);
  EXPECT_EQ(decode(DType::bf16, 0xC000), -2.0F);
  EXPECT_EQ(decode(DType::bf16, 0x4049), 3.140625F);
  EXPECT_EQ(decode(DType::bf16, 0x0001), std::ldexp(1.0F, -133));
  EXPECT_EQ(decode(DType::bf16, 0x7F80), infinity);
  EXPECT_TRUE(std::isnan(decode(DType::bf16, 0x7F81)));

  EXPECT_EQ(decode(DType::fp16, 0x3C00), 1.0F);
  EXPECT_EQ(decode(DType::fp16, 0x3555), 0.333251953125F);
  EXPECT_EQ(decode(DType::fp16, 0x7BFF), 65504.0F);
  EXPECT_EQ(decode(DType::fp16, 0x0400), std::ldexp(1.0F, -14));
  EXPECT_EQ(decode(DType::fp16, 0x03FF), std::ldexp(1023.0F, -24));
  EXPECT_EQ(decode(DType::fp16, 0x8001), -std::ldexp(1.0F, -24));
  EXPECT_EQ(decode(DType::fp16, 0xFC00), -infinity);
  EXPECT_TRUE(std::isnan(decode(DType::fp16, 0x7C01)));

  EXPECT_EQ(decode(DType::fp8_e4m3, 0x38), 1.0F);
  EXPECT_EQ(decode(DType::fp8_e4m3, 0xBC), -1.5F);
  EXPECT_EQ(decode(DType::fp8_e4m3, 0x7E), 448.0F);
  EXPECT_EQ(decode(DType::fp8_e4m3, 0x78), 256.0F);  // the greatest exponent holds numbers
  EXPECT_EQ(decode(DType::fp8_e4m3, 0x08), std::ldexp(1.0F, -6));
  EXPECT_EQ(decode(DType::fp8_e4m3, 0x07), std::ldexp(7.0F, -9));
  EXPECT_EQ(decode(DType::fp8_e4m3, 0x81), -std::ldexp(1.0F, -9));
  EXPECT_TRUE(std::isnan(decode(DType::fp8_e4m3, 0x7F)));
  EXPECT_TRUE(std::isnan(decode(DType::fp8_e4m3, 0xFF)));

  EXPECT_EQ(decode(DType::fp32, std::bit_cast<std::uint32_t>(-0.1F)), -0.1F);
}

TEST(ReferenceFloats, EveryCodeSurvivesTheRoundTrip) {
  for (const auto dtype : narrow) {
    std::size_t nans = 0;
    for (std::uint32_t code = 0; code < 2 * sign_bit(dtype); ++code) {
      const float value = decode(dtype, code);
      if (std::isnan(value)) {
        ++nans;
        EXPECT_TRUE(std::isnan(decode(dtype, encode(dtype, value))));
      } else {
        ASSERT_EQ(encode(dtype, value), code) << name(dtype) << ' ' << value;
      }
    }
    // All mantissas but that of infinity under the greatest exponent; one NaN of each sign in e4m3.
    const std::size_t expected = dtype == DType::bf16   ? 2 * 127
                                 : dtype == DType::fp16 ? 2 * 1023
                                                        : 2;
    EXPECT_EQ(nans, expected) << name(dtype);
  }
}

TEST(ReferenceFloats, CodesAreInTheOrderOfTheirValues) {
  for (const auto dtype : narrow) {
    for (std::uint32_t code = 0; code < greatest_code(dtype); ++code) {
      ASSERT_LT(decode(dtype, code), decode(dtype, code + 1)) << name(dtype) << ' ' << code;
      ASSERT_EQ(decode(dtype, code | sign_bit(dtype)), -decode(dtype, code));
    }
  }
}

TEST(ReferenceFloats, RoundsToNearestAndTiesToEven) {
  for (const auto dtype : narrow) {
    for (std::uint32_t code = 0; code < greatest_code(dtype); ++code) {
      const double below = decode(dtype, code);
      const double above = decode(dtype, code + 1);
      const auto middle = static_cast<float>((below + above) / 2);  // exact: a float has more bits
      const std::uint32_t even = code % 2 == 0 ? code : code + 1;
      ASSERT_EQ(encode(dtype, middle), even) << name(dtype) << ' ' << code;
      ASSERT_EQ(encode(dtype, -middle), even | sign_bit(dtype)) << name(dtype) << ' ' << code;
      ASSERT_EQ(encode(dtype, std::nextafter(middle, 0.0F)), code) << name(dtype);
      ASSERT_EQ(encode(dtype, std::nextafter(middle, infinity)), code + 1) << name(dtype);
    }
  }
}

TEST(ReferenceFloats, TooLarge) {
  EXPECT_EQ(encode(DType::fp16, 65519.0F), 0x7BFFU);
  EXPECT_EQ(encode(DType::fp16, 65520.0F), 0x7C00U);  // half way to 65536: to the even side
  EXPECT_EQ(encode(DType::fp16, -1e30F), 0xFC00U);
  EXPECT_EQ(encode(DType::bf16, std::numeric_limits<float>::max()), 0x7F80U);
  EXPECT_EQ(encode(DType::bf16, -infinity), 0xFF80U);
  EXPECT_EQ(encode(DType::fp8_e4m3, 449.0F), 0x7EU);
  EXPECT_EQ(encode(DType::fp8_e4m3, -1e30F), 0xFEU);
  EXPECT_EQ(encode(DType::fp8_e4m3, infinity), 0x7EU);
  EXPECT_EQ(encode(DType::fp8_e4m3, std::numeric_limits<float>::quiet_NaN()), 0x7FU);
}

TEST(ReferenceFloats, TooSmall) {
  EXPECT_EQ(encode(DType::fp16, std::ldexp(1.0F, -25)), 0U);  // a tie with zero, which is even
  EXPECT_EQ(encode(DType::fp16, std::ldexp(1.5F, -25)), 1U);
  EXPECT_EQ(encode(DType::fp16, std::numeric_limits<float>::denorm_min()), 0U);
  EXPECT_EQ(encode(DType::fp8_e4m3, -std::ldexp(1.0F, -10)), 0x80U);
}

TEST(ReferenceFloats, BytesAreNoNumbers) {
  std::byte byte{};
  EXPECT_THROW(static_cast<void>(to_float(DType::u8, &byte)), std::invalid_argument);
  EXPECT_THROW(from_float(DType::u8, 1.0F, &byte), std::invalid_argument);
}

TEST(ReferenceKernels, StreamReadOfAFewWords) {
  HostWorkers workers(2);
  const std::array<unsigned char, 11> bytes{1, 0, 0, 0, 0, 1, 0, 0, 5, 0, 1};
  const auto data = std::as_bytes(std::span(bytes));
  EXPECT_EQ(stream_read(data, workers), 1U + 0x100U + 0x10005U);
  EXPECT_EQ(stream_read(data.first(0), workers), 0U);
  const std::vector<std::uint32_t> greatest(1000, 0xFFFFFFFF);  // the sum does not fit in 32 bits
  EXPECT_EQ(stream_read(std::as_bytes(std::span(greatest)), workers), 0xFFFFFFFFULL * 1000);
}

TEST(ReferenceKernels, GemvOfTwoRows) {
  HostWorkers workers(2);
  const std::array<float, 6> values{1, -2, 0.5F, 4, 8, -1};
  const std::array<float, 3> x{2, 3, -4};
  for (const auto dtype : {DType::bf16, DType::fp16, DType::fp32, DType::fp8_e4m3}) {
    std::vector<std::byte> w(values.size() * bytes_of(dtype));
    for (std::size_t i = 0; i < values.size(); ++i) {
      from_float(dtype, values[i], w.data() + i * bytes_of(dtype));
    }
    const auto result = gemv(w, dtype, 2, 3, x, workers);
    EXPECT_EQ(result.y, (std::vector<double>{-6, 36})) << name(dtype);
    EXPECT_EQ(result.magnitude, (std::vector<double>{10, 36})) << name(dtype);
    EXPECT_EQ(result.norm, (std::vector<double>{std::sqrt(5.25), 9})) << name(dtype);
    EXPECT_THROW(gemv(w, dtype, 2, 2, x, workers), std::invalid_argument);
    EXPECT_THROW(gemv(w, dtype, 3, 3, x, workers), std::invalid_argument);
  }
  EXPECT_THROW(gemv({}, DType::u8, 0, 3, x, workers), std::invalid_argument);
}

TEST(ReferenceKernels, FoldOfTwoTokens) {
  HostWorkers workers(2);
  const std::array<float, 7> y{1, -2, 99, 99, 0.5F, 4, 99};  // rows of 2 values, 4 apart
  const std::array<float, 2> sign{1, -1};
  for (const auto dtype : {DType::bf16, DType::fp16, DType::fp32}) {
    std::vector<std::byte> codes(y.size() * bytes_of(dtype));
    for (std::size_t i = 0; i < y.size(); ++i) {
      from_float(dtype, y[i], codes.data() + i * bytes_of(dtype));
    }
    const auto result = fold(codes, dtype, 2, 4, sign, workers);
    EXPECT_EQ(result.y, (std::vector<double>{0.5, -6})) << name(dtype);
    EXPECT_EQ(result.magnitude, (std::vector<double>{1.5, 6})) << name(dtype);
    EXPECT_THROW(fold(codes, dtype, 4, 4, sign, workers), std::invalid_argument);
    EXPECT_THROW(fold(codes, dtype, 2, 1, sign, workers), std::invalid_argument);
  }
  EXPECT_THROW(fold({}, DType::u8, 0, 0, {}, workers), std::invalid_argument);
}

TEST(ReferenceKernels, PointerChaseOfThreeNodes) {
  const std::array<std::uint64_t, 3> next{16, 0, 8};  // 0 -> 16 -> 8 -> 0
  const auto data = std::as_bytes(std::span(next));
  const auto one = pointer_chase(data, 0, 1);
  EXPECT_EQ(one.last, 16U);
  EXPECT_EQ(one.sum, 16U);
  const auto four = pointer_chase(data, 0, 4);
  EXPECT_EQ(four.last, 16U);
  EXPECT_EQ(four.sum, 16U + 8U + 0U + 16U);
  EXPECT_THROW(pointer_chase(data, 20, 1), std::out_of_range);
  const std::uint64_t wild = ~std::uint64_t{0} - 3;  // the end of its node wraps round
  EXPECT_THROW(pointer_chase(data, wild, 1), std::out_of_range);
}

}  // namespace
}  // namespace offload::reference
