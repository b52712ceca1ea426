// SPDX-License-Identifier: Apache-2.0
// The library's matmul and the fold kernel that checks it, against the scalar reference.
#include "offload/cuda/matmul.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <stdexcept>
#include <vector>

#include "bench/platform/probe.hpp"
#include "kernels/content.hpp"
#include "kernels/matmul.hpp"
#include "kernels/reference/floats.hpp"
#include "kernels/sm90/read_once.hpp"
#include "offload/cuda/host_buffers.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

class OnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    cuda::set_device(0);
    stream_ = std::make_unique<cuda::Stream>();
  }
  StreamHandle stream() { return *stream_; }
  HostWorkers& workers() { return workers_; }

  std::vector<std::byte> random(std::size_t elements, DType dtype, std::uint64_t seed) {
    std::vector<std::byte> out(elements * bytes_of(dtype));
    reference::fill_random(out, dtype, seed, workers_);
    return out;
  }
  void copy(void* to, const void* from, std::size_t bytes) {
    cuda::memcpy_async(to, from, bytes, stream());
    cuda::stream_synchronize(stream());
  }
  /// `offset` bytes past an aligned address.
  cuda::DeviceBuffer place(std::span<const std::byte> content, std::size_t offset = 0) {
    cuda::DeviceBuffer buffer(std::max<std::size_t>(content.size() + offset, 1));
    if (content.empty()) return buffer;
    copy(static_cast<std::byte*>(buffer.data()) + offset, content.data(), content.size());
    return buffer;
  }

 private:
  std::unique_ptr<cuda::Stream> stream_;
  HostWorkers workers_;
};

std::vector<float> to_floats(std::span<const std::byte> codes, DType dtype) {
  std::vector<float> out;
  for (std::size_t at = 0; at < codes.size(); at += bytes_of(dtype)) {
    out.push_back(reference::to_float(dtype, codes.data() + at));
  }
  return out;
}

std::vector<std::byte> to_codes(std::span<const float> values, DType dtype) {
  std::vector<std::byte> out(values.size() * bytes_of(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    reference::from_float(dtype, values[i], out.data() + i * bytes_of(dtype));
  }
  return out;
}

// --- matmul

struct MatmulShape {
  std::size_t rows, cols, tokens;
};
std::ostream& operator<<(std::ostream& out, const MatmulShape& shape) {
  return out << shape.rows << 'x' << shape.cols << ", " << shape.tokens << " tokens";
}

class MatmulOfDType : public OnGpu, public testing::WithParamInterface<DType> {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    if (IsSkipped()) return;
    for (const Support& support :
         {cuda::Matmul::support(), cuda::Matmul::supports(GetParam(), 16)}) {
      if (!support) GTEST_SKIP() << support.reason();
    }
    matmul_ = std::make_unique<cuda::Matmul>();
  }

  /// y[tokens, rows], computed in panels of `panel` rows; `gap` values between the rows of y.
  std::vector<float> run(MatmulShape shape, std::span<const std::byte> w,
                         std::span<const std::byte> x, std::size_t panel, std::size_t gap) {
    const DType dtype = GetParam();
    const DType output = cuda::matmul_output(dtype);
    const std::size_t ld = shape.rows + gap;
    const cuda::DeviceBuffer w_device = place(w);
    const cuda::DeviceBuffer x_device = place(x);
    const cuda::DeviceBuffer y_device(shape.tokens * ld * bytes_of(output));
    cuda::memset_async(y_device.data(), 0xff, y_device.bytes(), stream());
    for (std::size_t row = 0; row < shape.rows; row += panel) {
      matmul_->launch(
          static_cast<const std::byte*>(w_device.data()) + row * shape.cols * bytes_of(dtype),
          dtype, std::min(panel, shape.rows - row), shape.cols, x_device.data(), shape.tokens,
          static_cast<std::byte*>(y_device.data()) + row * bytes_of(output), ld, stream(),
          algorithm_);
    }
    std::vector<std::byte> y(y_device.bytes());
    copy(y.data(), y_device.data(), y.size());
    const std::vector<float> padded = to_floats(y, output);
    std::vector<float> out;
    for (std::size_t i = 0; i < padded.size(); ++i) {
      if (i % ld < shape.rows) {
        out.push_back(padded[i]);
      } else {
        EXPECT_TRUE(std::isnan(padded[i])) << shape << ": wrote beside y";
      }
    }
    return out;
  }

  cuda::Matmul& matmul() { return *matmul_; }
  cuda::Algorithm algorithm_ = cuda::Algorithm::first;

 private:
  std::unique_ptr<cuda::Matmul> matmul_;
};

INSTANTIATE_TEST_SUITE_P(Gpu, MatmulOfDType,
                         testing::Values(DType::bf16, DType::fp16, DType::fp8_e4m3),
                         [](const auto& each) { return std::string(name(each.param)); });

constexpr MatmulShape matmul_shapes[] = {
    {256, 1024, 1},  {256, 1024, 3}, {256, 1024, 64}, {256, 1024, 512}, {1024, 512, 1},
    {1024, 512, 65}, {48, 14336, 7}, {16, 16, 2},     {528, 272, 33},
};

/// Sums of eight products of integers, at most 8 * 15 * 2 = 240: exact in every dtype, in whatever
/// order and precision they are added, so a wrong, missing or doubled one shows.
struct IntegerProduct {
  explicit IntegerProduct(MatmulShape shape)
      : w(shape.rows * shape.cols),
        x(shape.tokens * shape.cols),
        expected(shape.tokens * shape.rows) {
    const auto [rows, cols, tokens] = shape;
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] = static_cast<float>((i * 17 + i / cols * 5) % 31) - 15;
    }
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t k = 0; k < 8; ++k) {
        const std::size_t c = (k * cols / 8 + t * 5) % cols;  // the eight differ
        const float value = (t + k) % 3 == 0 ? -2.0F : 1.0F;
        x[t * cols + c] = value;
        for (std::size_t r = 0; r < rows; ++r) expected[t * rows + r] += value * w[r * cols + c];
      }
    }
  }
  std::vector<float> w, x, expected;
};

TEST_P(MatmulOfDType, OfSmallIntegersIsExact) {
  for (const MatmulShape shape : matmul_shapes) {
    const std::size_t rows = shape.rows;
    const auto [w, x, expected] = IntegerProduct(shape);
    const auto w_codes = to_codes(w, GetParam());
    const auto x_codes = to_codes(x, cuda::matmul_activation(GetParam()));
    EXPECT_EQ(run(shape, w_codes, x_codes, rows, 0), expected) << shape;
    EXPECT_EQ(run(shape, w_codes, x_codes, 16, 16), expected) << shape << ", in panels";
    EXPECT_EQ(run(shape, w_codes, x_codes, rows / 3 / 16 * 16 + 16, 8), expected)
        << shape << ", in uneven panels";
  }
}

TEST_P(MatmulOfDType, OfSmallIntegersIsExactWithFewestReads) {
  algorithm_ = cuda::Algorithm::fewest_reads;
  for (const MatmulShape shape : matmul_shapes) {
    const auto [w, x, expected] = IntegerProduct(shape);
    EXPECT_EQ(run(shape, to_codes(w, GetParam()), to_codes(x, cuda::matmul_activation(GetParam())),
                  shape.rows, 0),
              expected)
        << shape;
  }
}

TEST_P(MatmulOfDType, ReadsNoMoreOftenWithFewestReads) {
  constexpr std::size_t rows = 4096;
  constexpr std::size_t cols = 1024;
  constexpr std::size_t tokens = 4096;
  const DType dtype = GetParam();
  const cuda::DeviceBuffer w = place(random(rows * cols, dtype, 1));
  const cuda::DeviceBuffer x = place(random(tokens * cols, cuda::matmul_activation(dtype), 2));
  const cuda::DeviceBuffer y(tokens * rows * bytes_of(cuda::matmul_output(dtype)));
  // On w in host memory, where reads decide what is fastest.
  HostAllocation host(HostMemory::pinned, rows * cols * bytes_of(dtype));
  const void* const w_host = cuda::host_get_device_pointer(host.data());
  const auto reads = [&](const void* from, cuda::Algorithm algorithm) {
    return matmul().launch(from, dtype, rows, cols, x.data(), tokens, y.data(), rows, stream(),
                           algorithm);
  };
  const auto first = reads(w_host, cuda::Algorithm::first);
  const auto fewest = reads(w_host, cuda::Algorithm::fewest_reads);
  ASSERT_TRUE(first);
  ASSERT_TRUE(fewest);
  EXPECT_LT(*fewest, *first);
  cuda::stream_synchronize(stream());
}

TEST_P(MatmulOfDType, OfRandomWeights) {
  const DType dtype = GetParam();
  const DType activation = cuda::matmul_activation(dtype);
  for (const MatmulShape shape : matmul_shapes) {
    const auto [rows, cols, tokens] = shape;
    const auto w = random(rows * cols, dtype, 1);
    const auto x = random(tokens * cols, activation, 2);
    const auto xs = to_floats(x, activation);
    const auto y = run(shape, w, x, rows, 0);
    // y is rounded once, by half a unit in the last of 8 bits (fp16: 11), and so may be the parts
    // of a sum that the library splits: some such roundings of numbers as large as y typically is.
    // Of the sum itself: fp32 additions of 16 products are cut off, those of fp8 at 14 bits.
    const double rounding = cuda::matmul_output(dtype) == DType::bf16 ? 0x1p-8 : 0x1p-11;
    const double n = static_cast<double>(cols);
    const double summing = dtype == DType::fp8_e4m3 ? 0x1p-11 : n / 16 * 0x1p-23;
    for (std::size_t t = 0; t < tokens; t += tokens < 20 ? 1 : 13) {
      const auto expected =
          reference::gemv(w, dtype, rows, cols, std::span(xs).subspan(t * cols, cols), workers());
      for (std::size_t r = 0; r < rows; ++r) {
        const double typical = expected.magnitude[r] / std::sqrt(n);
        const double allowed =
            rounding * (std::abs(expected.y[r]) + 4 * typical) + summing * expected.magnitude[r];
        ASSERT_NEAR(y[t * rows + r], expected.y[r], allowed)
            << shape << ": row " << r << " of token " << t;
      }
    }
  }
}

TEST_P(MatmulOfDType, IsTheSameEachTime) {
  const MatmulShape shape{1024, 2048, 17};
  const auto w = random(shape.rows * shape.cols, GetParam(), 3);
  const auto x = random(shape.tokens * shape.cols, cuda::matmul_activation(GetParam()), 4);
  const auto first = run(shape, w, x, shape.rows, 0);
  run({1024, 2048, 3}, w, std::span(x).first(x.size() / 17 * 3), 256, 0);  // another plan between
  EXPECT_EQ(run(shape, w, x, shape.rows, 0), first);
}

TEST_P(MatmulOfDType, OfNothingLaunchesNothing) {
  matmul().launch(nullptr, GetParam(), 0, 16, nullptr, 1, nullptr, 16, stream());
  matmul().launch(nullptr, GetParam(), 16, 16, nullptr, 0, nullptr, 16, stream());
  cuda::stream_synchronize(stream());
}

class MatmulKernel : public OnGpu {};

TEST_F(MatmulKernel, SaysWhatItCannotMultiply) {
  if (!cuda::Matmul::support()) GTEST_SKIP() << cuda::Matmul::support().reason();
  EXPECT_TRUE(cuda::Matmul::supports(DType::bf16, 7));
  EXPECT_FALSE(cuda::Matmul::supports(DType::fp8_e4m3, 24));
  EXPECT_FALSE(cuda::Matmul::supports(DType::fp32, 16));
  EXPECT_FALSE(cuda::Matmul::supports(DType::u8, 16));
  cuda::Matmul matmul;
  EXPECT_THROW(matmul.launch(nullptr, DType::u8, 16, 16, nullptr, 1, nullptr, 16, stream()),
               CudaError);
}

// --- the gemm that reads once

class ReadOnceOfDType : public OnGpu, public testing::WithParamInterface<DType> {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    if (IsSkipped()) return;
    const Support support =
        kernels::ReadOnceGemm::supports(probe_platform(0), {"w", GetParam(), 128, 64});
    if (!support) GTEST_SKIP() << support.reason();
    gemm_.emplace(cuda::driver_function(kernels::ReadOnceGemm::encoder));
  }
  const kernels::ReadOnceGemm& gemm() { return *gemm_; }

 private:
  std::optional<kernels::ReadOnceGemm> gemm_;
};

INSTANTIATE_TEST_SUITE_P(Gpu, ReadOnceOfDType, testing::Values(DType::bf16, DType::fp16),
                         [](const auto& each) { return std::string(name(each.param)); });

// Clusters of 1 to 16 blocks, and pairs of them; ends within a block, a tile and a step.
constexpr MatmulShape read_once_shapes[] = {
    {128, 64, 1},     {256, 1024, 3},   {130, 72, 255},    {2, 8, 256},       {384, 520, 257},
    {4096, 256, 512}, {1026, 128, 513}, {256, 4096, 1024}, {640, 1000, 1500}, {2560, 128, 2048},
    {300, 264, 2304}, {512, 512, 4096}, {130, 136, 4097},  {1280, 192, 6000}, {384, 8192, 8192},
    {258, 200, 8193}, {128, 64, 12289},
};

TEST_P(ReadOnceOfDType, OfSmallIntegersIsExactWhereverTheWeightsLie) {
  for (const MatmulShape shape : read_once_shapes) {
    const auto [rows, cols, tokens] = shape;
    const auto [w, x, expected] = IntegerProduct(shape);
    const auto w_codes = to_codes(w, GetParam());
    const cuda::DeviceBuffer w_device = place(w_codes);
    const cuda::DeviceBuffer x_device = place(to_codes(x, GetParam()));
    const HostAllocation w_pinned(HostMemory::pinned, w_codes.size());
    std::copy(w_codes.begin(), w_codes.end(), w_pinned.data());
    constexpr std::size_t gap = 6;
    const std::size_t ld = rows + gap;
    const cuda::DeviceBuffer y_device(tokens * ld * bytes_of(GetParam()));
    const cuda::DeviceBuffer workspace(
        std::max<std::size_t>(kernels::ReadOnceGemm::workspace_bytes(tokens), 1));
    const void* const over_the_link = cuda::host_get_device_pointer(w_pinned.data());
    for (const void* weights : {static_cast<const void*>(w_device.data()), over_the_link}) {
      for (int repeat = 0; repeat < 3; ++repeat) {
        cuda::memset_async(y_device.data(), 0xff, y_device.bytes(), stream());
        gemm().launch(weights, GetParam(), rows, cols, x_device.data(), tokens, y_device.data(), ld,
                      workspace.data(), stream());
        std::vector<std::byte> y(y_device.bytes());
        copy(y.data(), y_device.data(), y.size());
        const std::vector<float> padded = to_floats(y, GetParam());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < padded.size(); ++i) {
          const bool beside = i % ld >= rows;
          const float value = padded[i];
          if (beside ? !std::isnan(value) : value != expected[i / ld * rows + i % ld]) ++wrong;
        }
        ASSERT_EQ(wrong, 0U) << shape << ", repeat " << repeat << ", weights "
                             << (weights == over_the_link ? "over the link" : "in GPU memory");
      }
    }
  }
}

/// The same sums in the same order as the library's wherever both add 16 columns at a time.
TEST_P(ReadOnceOfDType, OfRandomWeightsIsTheLibrarysProduct) {
  if (!cuda::Matmul::support()) GTEST_SKIP() << cuda::Matmul::support().reason();
  const MatmulShape shape{1024, 2048, 2000};
  const auto w = place(random(shape.rows * shape.cols, GetParam(), 1));
  const auto x = place(random(shape.tokens * shape.cols, GetParam(), 2));
  const std::size_t bytes = shape.tokens * shape.rows * bytes_of(GetParam());
  const cuda::DeviceBuffer ours(bytes);
  const cuda::DeviceBuffer theirs(bytes);
  gemm().launch(w.data(), GetParam(), shape.rows, shape.cols, x.data(), shape.tokens, ours.data(),
                shape.rows, nullptr, stream());
  cuda::Matmul matmul;
  matmul.launch(w.data(), GetParam(), shape.rows, shape.cols, x.data(), shape.tokens, theirs.data(),
                shape.rows, stream());
  std::vector<std::byte> a(bytes);
  std::vector<std::byte> b(bytes);
  copy(a.data(), ours.data(), bytes);
  copy(b.data(), theirs.data(), bytes);
  const auto y = to_floats(a, GetParam());
  const auto expected = to_floats(b, GetParam());
  // Products of values in [-1, 1]: each rounds once to the output, and sums differ by less.
  const double unit = GetParam() == DType::bf16 ? 0x1p-8 : 0x1p-11;
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(y[i], expected[i], unit * (std::abs(expected[i]) + 1)) << i;
  }
}

TEST_P(ReadOnceOfDType, OfNothingLaunchesNothing) {
  gemm().launch(nullptr, GetParam(), 0, 16, nullptr, 1, nullptr, 16, nullptr, stream());
  gemm().launch(nullptr, GetParam(), 16, 16, nullptr, 0, nullptr, 16, nullptr, stream());
  cuda::stream_synchronize(stream());
}

// --- fold

struct FoldShape {
  std::size_t tokens, rows, ld;
};
std::ostream& operator<<(std::ostream& out, const FoldShape& shape) {
  return out << shape.tokens << " tokens of " << shape.rows << ", " << shape.ld << " apart";
}

class FoldKernel : public OnGpu, public testing::WithParamInterface<DType> {
 protected:
  std::vector<float> fold(FoldShape shape, const std::byte* y, const cuda::DeviceBuffer& sign) {
    std::vector<float> out(shape.rows + 2);  // one more on both sides shows writes out of place
    const cuda::DeviceBuffer device(out.size() * sizeof(float));
    cuda::memset_async(device.data(), 0xff, device.bytes(), stream());
    kernels::fold(y, GetParam(), shape.tokens, shape.rows, shape.ld,
                  static_cast<const float*>(sign.data()), static_cast<float*>(device.data()) + 1,
                  stream());
    copy(out.data(), device.data(), device.bytes());
    EXPECT_TRUE(std::isnan(out.front()) && std::isnan(out.back())) << shape << ": wrote beside out";
    return {out.begin() + 1, out.end() - 1};
  }
};

INSTANTIATE_TEST_SUITE_P(Gpu, FoldKernel, testing::Values(DType::bf16, DType::fp16),
                         [](const auto& each) { return std::string(name(each.param)); });

TEST_P(FoldKernel, IsRightForAnyShapeAndAddress) {
  for (const std::size_t tokens : {0U, 1U, 2U, 63U, 64U, 65U, 577U, 4099U}) {
    for (const std::size_t rows : {1U, 2U, 31U, 32U, 33U, 34U, 1000U}) {
      for (const std::size_t gap : {0U, 1U, 6U}) {
        const FoldShape shape{tokens, rows, rows + gap};
        const std::size_t elements = tokens == 0 ? 0 : (tokens - 1) * shape.ld + rows;
        const auto y = random(elements, GetParam(), tokens + rows);
        std::vector<float> sign;
        for (std::size_t t = 0; t < tokens; ++t) sign.push_back(t * t % 7 < 3 ? 1.0F : -1.0F);
        const auto expected = reference::fold(y, GetParam(), rows, shape.ld, sign, workers());
        const cuda::DeviceBuffer signs = place(std::as_bytes(std::span(sign)));
        for (const std::size_t offset : {0U, 2U}) {
          const cuda::DeviceBuffer placed = place(y, offset);
          const std::byte* at = static_cast<const std::byte*>(placed.data()) + offset;
          const auto out = fold(shape, at, signs);
          for (std::size_t r = 0; r < rows; ++r) {
            const double allowed =
                2 * std::sqrt(static_cast<double>(tokens) + 16) * 0x1p-24 * expected.magnitude[r];
            ASSERT_NEAR(out[r], expected.y[r], allowed) << shape << ", row " << r;
          }
          EXPECT_EQ(fold(shape, at, signs), out) << shape << ": another sum the second time";
        }
      }
    }
  }
}

TEST_F(MatmulKernel, FoldRefusesOtherDtypes) {
  EXPECT_THROW(kernels::fold(nullptr, DType::fp32, 1, 1, 1, nullptr, nullptr, stream()),
               std::invalid_argument);
}

/// What a workload does with both: s^T (X W^T) by the fold, W (X^T s) by the reference.
TEST_F(MatmulKernel, FoldOfAProductIsOneGemv) {
  if (!cuda::Matmul::support()) GTEST_SKIP() << cuda::Matmul::support().reason();
  constexpr std::size_t rows = 512, cols = 768, tokens = 300;
  const auto w = random(rows * cols, DType::bf16, 5);
  const auto x = random(tokens * cols, DType::bf16, 6);
  std::vector<float> sign;
  for (std::size_t t = 0; t < tokens; ++t) sign.push_back(t * t % 11 < 5 ? 1.0F : -1.0F);
  const auto folded = reference::fold(x, DType::bf16, cols, cols, sign, workers());
  const std::vector<float> combined(folded.y.begin(), folded.y.end());
  const auto expected = reference::gemv(w, DType::bf16, rows, cols, combined, workers());

  const cuda::DeviceBuffer w_device = place(w);
  const cuda::DeviceBuffer x_device = place(x);
  const cuda::DeviceBuffer sign_device = place(std::as_bytes(std::span(sign)));
  const cuda::DeviceBuffer y_device(tokens * rows * 2);
  const cuda::DeviceBuffer out_device(rows * sizeof(float));
  cuda::Matmul matmul;
  matmul.launch(w_device.data(), DType::bf16, rows, cols, x_device.data(), tokens, y_device.data(),
                rows, stream());
  kernels::fold(y_device.data(), DType::bf16, tokens, rows, rows,
                static_cast<const float*>(sign_device.data()),
                static_cast<float*>(out_device.data()), stream());
  std::vector<float> out(rows);
  copy(out.data(), out_device.data(), out_device.bytes());
  // Each of the values of y was rounded to bf16, and these errors add up like the values do.
  for (std::size_t r = 0; r < rows; ++r) {
    const double typical = expected.magnitude[r] / std::sqrt(static_cast<double>(cols));
    ASSERT_NEAR(out[r], expected.y[r], 8 * 0x1p-8 * typical) << r;
  }
}

}  // namespace
}  // namespace offload
