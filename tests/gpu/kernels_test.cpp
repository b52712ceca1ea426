// SPDX-License-Identifier: Apache-2.0
// Every GPU kernel against the scalar reference: odd shapes, tails, alignments, grids, dtypes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <vector>

#include "kernels/content.hpp"
#include "kernels/matmul.hpp"
#include "kernels/nested.hpp"
#include "kernels/pointer_chase.hpp"
#include "kernels/reference/floats.hpp"
#include "kernels/row_gather.hpp"
#include "kernels/stream_copy.hpp"
#include "kernels/stream_read.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/host_workers.hpp"

namespace offload {
namespace {

class Kernels : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cuda::unavailable(0)) GTEST_SKIP() << *reason;
    cuda::set_device(0);
    stream_ = std::make_unique<cuda::Stream>();
  }

  StreamHandle stream() { return *stream_; }
  HostWorkers& workers() { return workers_; }

  std::vector<std::byte> random(std::size_t bytes, DType dtype, std::uint64_t seed) {
    std::vector<std::byte> out(bytes);
    reference::fill_random(out, dtype, seed, workers_);
    return out;
  }
  void copy(void* to, const void* from, std::size_t bytes) {
    cuda::memcpy_async(to, from, bytes, stream());
    cuda::stream_synchronize(stream());
  }
  /// In GPU memory, `misalignment` bytes past an aligned address, and nothing past the end, so
  /// that memcheck sees a read beyond it.
  struct Placed {
    cuda::DeviceBuffer buffer;
    const std::byte* data;
  };
  Placed place(std::span<const std::byte> content, std::size_t misalignment = 0) {
    Placed placed{cuda::DeviceBuffer(content.size() + misalignment), nullptr};
    auto* const at = static_cast<std::byte*>(placed.buffer.data()) + misalignment;
    copy(at, content.data(), content.size());
    placed.data = at;
    return placed;
  }

 private:
  std::unique_ptr<cuda::Stream> stream_;
  HostWorkers workers_;
};

// --- stream_read

class StreamReadKernel : public Kernels {
 protected:
  /// The sum that the kernel adds to what is already there.
  std::uint64_t sum(const std::byte* data, std::size_t bytes, kernels::StreamReadShape shape = {}) {
    constexpr std::uint64_t before = 0x123456789abcdef0U;
    const cuda::DeviceBuffer device(sizeof before);
    copy(device.data(), &before, sizeof before);
    kernels::stream_read(data, bytes, static_cast<std::uint64_t*>(device.data()), stream(), shape);
    std::uint64_t after = 0;
    copy(&after, device.data(), sizeof after);
    return after - before;
  }
};

TEST_F(StreamReadKernel, SumsEverySizeAtEveryWordOfAVector) {
  const auto content = random(300, DType::u8, 1);
  for (const int load_bytes : {4, 8, 16}) {
    for (std::size_t misalignment = 0; misalignment < 16; misalignment += 4) {
      for (std::size_t bytes = 1; bytes <= 67; ++bytes) {
        const std::span<const std::byte> part{content.data() + bytes, bytes};
        const Placed placed = place(part, misalignment);
        ASSERT_EQ(sum(placed.data, bytes, {.load_bytes = load_bytes}),
                  reference::stream_read(part, workers()))
            << bytes << " bytes, " << misalignment << " past alignment, loads of " << load_bytes;
      }
    }
  }
}

TEST_F(StreamReadKernel, SumsTailsAfterManyRounds) {
  constexpr std::size_t whole = 3U << 20;
  const auto content = random(whole + 17, DType::u8, 2);
  for (std::size_t tail = 0; tail <= 17; ++tail) {
    const std::span<const std::byte> part{content.data(), whole + tail};
    const Placed placed = place(part, 4);
    for (const int blocks : {0, 1, 7}) {
      ASSERT_EQ(sum(placed.data, part.size(), {.blocks = blocks}),
                reference::stream_read(part, workers()))
          << tail << " bytes after, " << blocks << " blocks";
    }
  }
}

TEST_F(StreamReadKernel, SumsWithEveryGridAndLoadWidth) {
  const auto content = random((9U << 20) + 1234, DType::bf16, 3);
  const Placed placed = place(content);
  const std::uint64_t expected = reference::stream_read(content, workers());
  for (const int load_bytes : {4, 8, 16}) {
    for (const int threads : {0, 32, 96, 256, 512, 1024}) {
      for (const int blocks : {0, 1, 2, 131, 1056, 5000}) {
        ASSERT_EQ(sum(placed.data, content.size(), {blocks, threads, load_bytes}), expected)
            << blocks << " x " << threads << ", loads of " << load_bytes;
      }
    }
  }
}

TEST_F(StreamReadKernel, NoticesEveryByte) {
  auto content = random(4099, DType::u8, 4);
  for (const std::size_t at : {0U, 1U, 15U, 16U, 2048U, 4095U, 4096U, 4098U}) {
    const std::uint64_t before = sum(place(content).data, content.size());
    content[at] ^= std::byte{0x10};
    const std::uint64_t after = sum(place(content).data, content.size());
    const std::uint64_t step = std::uint64_t{0x10} << (8 * (at % 4));
    EXPECT_TRUE(after - before == step || before - after == step) << "byte " << at;
  }
}

TEST_F(StreamReadKernel, ReadsHostAndManagedMemory) {
  const auto content = random((1U << 20) + 12, DType::fp16, 5);
  const std::uint64_t expected = reference::stream_read(content, workers());
  void* const pinned = cuda::host_alloc(content.size(), cuda::HostAlloc::mapped);
  std::memcpy(pinned, content.data(), content.size());
  const auto* const mapped = static_cast<const std::byte*>(cuda::host_get_device_pointer(pinned));
  EXPECT_EQ(sum(mapped, content.size()), expected);
  cuda::free_host(pinned);
  const cuda::ManagedBuffer managed(content.size());
  std::memcpy(managed.data(), content.data(), content.size());
  EXPECT_EQ(sum(managed.data(), content.size()), expected);
}

TEST_F(StreamReadKernel, RefusesWhatItCannotDo) {
  const Placed placed = place(random(64, DType::u8, 6));
  EXPECT_THROW(sum(placed.data + 2, 16), std::invalid_argument);
  EXPECT_THROW(sum(placed.data, 16, {.load_bytes = 2}), std::invalid_argument);
  EXPECT_THROW(sum(placed.data, 16, {.threads = 100}), std::invalid_argument);
  EXPECT_THROW(sum(placed.data, 16, {.threads = 2048}), std::invalid_argument);
  EXPECT_THROW(sum(placed.data, 16, {.blocks = -1}), std::invalid_argument);
}

// --- gemv

struct GemvShape {
  std::size_t rows, cols;
};

class GemvKernel : public Kernels, public testing::WithParamInterface<DType> {
 protected:
  /// Runs and compares, with w and x `misalignment` elements past an aligned address.
  void expect_right(GemvShape shape, std::size_t misalignment = 0) {
    const DType dtype = GetParam();
    const DType activation = dtype == DType::fp16 ? DType::fp16 : DType::bf16;
    const std::size_t size = bytes_of(activation);
    const auto w = random(shape.rows * shape.cols * bytes_of(dtype), dtype, 7);
    const auto x = random(shape.cols * size, activation, 8);
    std::vector<float> xs;
    for (std::size_t c = 0; c < shape.cols; ++c) {
      xs.push_back(reference::to_float(activation, x.data() + c * size));
    }
    const auto expected = reference::gemv(w, dtype, shape.rows, shape.cols, xs, workers());

    const Placed w_placed = place(w, misalignment * bytes_of(dtype));
    const Placed x_placed = place(x, misalignment * size);
    // A row more on both sides shows writes out of place.
    std::vector<float> y(shape.rows + 2);
    const cuda::DeviceBuffer y_device(y.size() * sizeof(float));
    cuda::memset_async(y_device.data(), 0xff, y_device.bytes(), stream());
    kernels::gemv(w_placed.data, dtype, shape.rows, shape.cols, x_placed.data,
                  static_cast<float*>(y_device.data()) + 1, stream());
    copy(y.data(), y_device.data(), y_device.bytes());

    const auto label = [&](std::size_t row) {
      return std::to_string(shape.rows) + "x" + std::to_string(shape.cols) + " +" +
             std::to_string(misalignment) + " row " + std::to_string(row);
    };
    EXPECT_TRUE(std::isnan(y.front()) && std::isnan(y.back())) << label(0) << " wrote beside y";
    for (std::size_t row = 0; row < shape.rows; ++row) {
      const double allowed =
          2 * std::sqrt(static_cast<double>(shape.cols) + 16) * 0x1p-24 * expected.magnitude[row];
      ASSERT_NEAR(y[row + 1], expected.y[row], allowed) << label(row);
    }
  }
};

TEST_P(GemvKernel, IsRightForWholeVectors) {
  for (const std::size_t cols : {16U, 32U, 48U, 256U, 272U, 1024U, 4096U, 4112U, 14336U, 28672U}) {
    expect_right({37, cols});
  }
}

TEST_P(GemvKernel, IsRightForEveryTail) {
  for (std::size_t cols = 1; cols <= 70; ++cols) expect_right({5, cols});
  for (std::size_t cols = 8192; cols <= 8192 + 17; ++cols) expect_right({3, cols});
}

TEST_P(GemvKernel, IsRightForAnyNumberOfRows) {
  for (const std::size_t rows :
       {1U, 2U, 3U, 7U, 8U, 9U, 31U, 33U, 255U, 257U, 1000U, 2111U, 2112U}) {
    expect_right({rows, 512});
    expect_right({rows, 1003});
  }
  // More rows than any grid has warps at once.
  expect_right({40001, 64});
  expect_right({40001, 65});
}

TEST_P(GemvKernel, IsRightWhereverTheRowsBegin) {
  for (const std::size_t misalignment : {1U, 2U, 3U, 7U, 8U}) {
    expect_right({19, 512}, misalignment);
    expect_right({19, 1003}, misalignment);
    expect_right({3000, 256}, misalignment);
  }
}

TEST_P(GemvKernel, IsRightForRealProjections) {
  expect_right({6144, 4096});
  expect_right({4096, 14336});
  expect_right({1024, 8192});
}

TEST_P(GemvKernel, WidensEveryFiniteCode) {
  // One weight in each row and x = 1: y is the weight itself, exactly.
  const DType dtype = GetParam();
  const std::size_t size = bytes_of(dtype);
  const std::size_t codes = std::size_t{1} << (8 * size);
  const std::size_t cols = 16 / size;  // one vector
  std::vector<std::byte> w(codes * 16, std::byte{0});
  for (std::size_t code = 0; code < codes; ++code) {
    std::memcpy(w.data() + code * 16 + code % cols * size, &code, size);
  }
  const DType activation = dtype == DType::fp16 ? DType::fp16 : DType::bf16;
  std::vector<std::byte> x(cols * bytes_of(activation));
  for (std::size_t c = 0; c < cols; ++c) {
    reference::from_float(activation, 1, x.data() + c * bytes_of(activation));
  }
  const Placed w_placed = place(w);
  const Placed x_placed = place(x);
  std::vector<float> y(codes);
  const cuda::DeviceBuffer y_device(codes * sizeof(float));
  kernels::gemv(w_placed.data, dtype, codes, cols, x_placed.data,
                static_cast<float*>(y_device.data()), stream());
  copy(y.data(), y_device.data(), y_device.bytes());
  for (std::size_t code = 0; code < codes; ++code) {
    const float exact = reference::to_float(dtype, w.data() + code * 16 + code % cols * size);
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(y[code])) << code;
    } else {
      ASSERT_EQ(y[code], exact) << code;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Gpu, GemvKernel,
                         testing::Values(DType::bf16, DType::fp16, DType::fp8_e4m3),
                         [](const auto& each) { return std::string(name(each.param)); });

TEST_F(Kernels, GemvRefusesOtherDtypes) {
  EXPECT_THROW(kernels::gemv(nullptr, DType::fp32, 1, 1, nullptr, nullptr, stream()),
               std::invalid_argument);
}

// --- pointer_chase

TEST_F(Kernels, StreamCopyCopiesEveryVectorAndNoMore) {
  for (const std::size_t vectors : {1U, 511U, 512U, 2048U, 2049U, 300001U}) {
    const std::size_t bytes = vectors * 16;
    const auto content = random(bytes, DType::u8, 7);
    const Placed from = place(content);
    for (const int blocks : {0, 1, 3, 5000}) {
      std::vector<std::byte> guarded(bytes + 32, std::byte{0x5a});
      const Placed to = place(guarded);
      auto* const at = const_cast<std::byte*>(to.data) + 16;
      kernels::stream_copy(from.data, at, bytes, stream(), blocks);
      copy(guarded.data(), to.data, guarded.size());
      ASSERT_EQ(std::memcmp(guarded.data() + 16, content.data(), bytes), 0)
          << vectors << " vectors, " << blocks << " blocks";
      for (std::size_t i = 0; i < 16; ++i) {
        ASSERT_EQ(guarded[i], std::byte{0x5a});
        ASSERT_EQ(guarded[bytes + 16 + i], std::byte{0x5a});
      }
    }
  }
}

TEST_F(Kernels, StreamCopyWritesPinnedMemoryAndRefusesPartsOfVectors) {
  const std::size_t bytes = (1U << 20) + 16;
  const auto content = random(bytes, DType::u8, 8);
  const Placed from = place(content);
  auto* const pinned = static_cast<std::byte*>(cuda::host_alloc(bytes, cuda::HostAlloc::mapped));
  kernels::stream_copy(from.data, pinned, bytes, stream());
  cuda::device_synchronize();
  EXPECT_EQ(std::memcmp(pinned, content.data(), bytes), 0);
  EXPECT_THROW(kernels::stream_copy(from.data, pinned, 8, stream()), std::invalid_argument);
  EXPECT_THROW(kernels::stream_copy(from.data + 8, pinned, 16, stream()), std::invalid_argument);
  EXPECT_THROW(kernels::stream_copy(from.data, pinned + 4, 16, stream()), std::invalid_argument);
  EXPECT_THROW(kernels::stream_copy(from.data, pinned, 16, stream(), -1), std::invalid_argument);
  cuda::free_host(pinned);
}

TEST_F(Kernels, PointerChaseFollowsTheChain) {
  auto content = random((1U << 20) + 77, DType::u8, 9);
  const reference::Chain chain = reference::make_chain(content, 10);
  const Placed placed = place(content);
  const cuda::DeviceBuffer out(2 * sizeof(std::uint64_t));
  for (const std::size_t steps :
       {std::size_t{1}, std::size_t{2}, std::size_t{1024}, chain.nodes - 1, chain.nodes}) {
    const auto expected = reference::pointer_chase(content, chain.start, steps);
    cuda::memset_async(out.data(), 0xff, out.bytes(), stream());
    kernels::pointer_chase(placed.data, chain.start, steps, static_cast<std::uint64_t*>(out.data()),
                           stream());
    std::uint64_t got[2] = {};
    copy(got, out.data(), sizeof got);
    EXPECT_EQ(got[0], expected.last) << steps;
    EXPECT_EQ(got[1], expected.sum) << steps;
  }
}

// --- row_gather

TEST_F(Kernels, RowGatherSumsTheChunksListed) {
  const auto content = random(6U << 20, DType::u8, 11);
  const Placed placed = place(content);
  constexpr std::uint64_t before = 0x123456789abcdef0U;
  for (std::size_t chunk = 512; chunk <= std::size_t{2} << 20; chunk *= 2) {
    const std::size_t places = content.size() / chunk;
    std::vector<std::uint64_t> offsets;  // one in seven, from the end
    for (std::size_t i = places; i > 0; i -= std::min<std::size_t>(i, 7)) {
      offsets.push_back((i - 1) * chunk);
    }
    const cuda::DeviceBuffer list(offsets.size() * sizeof(offsets[0]));
    copy(list.data(), offsets.data(), list.bytes());
    const cuda::DeviceBuffer sum(sizeof before);
    for (const std::size_t count : {std::size_t{1}, offsets.size()}) {
      copy(sum.data(), &before, sizeof before);
      kernels::row_gather(placed.data, static_cast<const std::uint64_t*>(list.data()), count, chunk,
                          static_cast<std::uint64_t*>(sum.data()), stream());
      std::uint64_t after = 0;
      copy(&after, sum.data(), sizeof after);
      EXPECT_EQ(after - before,
                reference::row_gather(content, std::span(offsets).first(count), chunk))
          << count << " chunks of " << chunk;
    }
  }
  EXPECT_THROW(kernels::row_gather(placed.data + 4, nullptr, 1, 512, nullptr, stream()),
               std::invalid_argument);
  EXPECT_THROW(kernels::row_gather(placed.data, nullptr, 1, 256, nullptr, stream()),
               std::invalid_argument);
  EXPECT_THROW(kernels::row_gather(placed.data, nullptr, 1, 768, nullptr, stream()),
               std::invalid_argument);
}

// --- nested

TEST_F(Kernels, NestedFollowsItsPointers) {
  for (const std::size_t units : {1U, 2U, 3U, 7U, 14U}) {
    for (const std::size_t rows : {1U, 7U, 8U, 9U, 1000U}) {
      const std::size_t row_bytes = units * nested::unit_bytes;
      const std::size_t blocks = units * nested::unit_blocks;
      const auto content = random(rows * row_bytes, DType::u8, 12);
      const Placed placed = place(content);
      auto expected = reference::nested(content, row_bytes, workers());
      std::vector<nested::Row> table(rows);
      for (std::size_t r = 0; r < rows; ++r) {  // the last row first
        table[rows - 1 - r] = nested::row_at(placed.data + r * row_bytes, blocks);
      }
      std::reverse(expected.begin(), expected.end());
      const cuda::DeviceBuffer device_table(rows * sizeof(nested::Row));
      copy(device_table.data(), table.data(), device_table.bytes());
      // A row more on both sides shows writes out of place.
      constexpr std::int64_t untouched = 77;
      std::vector<std::int64_t> y(rows + 2, untouched);
      const cuda::DeviceBuffer device_y(y.size() * sizeof(y[0]));
      copy(device_y.data(), y.data(), device_y.bytes());
      kernels::nested(static_cast<const nested::Row*>(device_table.data()), rows, blocks,
                      static_cast<std::int64_t*>(device_y.data()) + 1, stream());
      copy(y.data(), device_y.data(), device_y.bytes());
      EXPECT_EQ(y.front(), untouched);
      EXPECT_EQ(y.back(), untouched);
      EXPECT_EQ(std::vector<std::int64_t>(y.begin() + 1, y.end() - 1), expected)
          << rows << " rows of " << units << " units";
    }
  }
}

}  // namespace
}  // namespace offload
