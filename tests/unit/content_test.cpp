// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <unordered_set>
#include <vector>

#include "kernels/content.hpp"
#include "kernels/reference/floats.hpp"

namespace offload::reference {
namespace {

std::vector<std::byte> filled(std::size_t bytes, DType dtype, std::uint64_t seed,
                              std::size_t threads = 2) {
  HostWorkers workers(threads);
  std::vector<std::byte> out(bytes);
  fill_random(out, dtype, seed, workers);
  return out;
}

TEST(FillRandom, ValuesAreFiniteNonZeroAndSpread) {
  for (const auto dtype : {DType::bf16, DType::fp16, DType::fp32, DType::fp8_e4m3}) {
    const auto data = filled(1 << 18, dtype, 7);
    const std::size_t count = data.size() / bytes_of(dtype);
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const float value = to_float(dtype, data.data() + i * bytes_of(dtype));
      ASSERT_TRUE(std::isfinite(value)) << name(dtype);
      ASSERT_NE(value, 0.0F) << name(dtype);
      ASSERT_LE(std::fabs(value), 2.0F) << name(dtype);
      sum += value;
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const double deviation = std::sqrt(squares / static_cast<double>(count));
    EXPECT_GT(deviation, 0.1) << name(dtype);
    // Six standard errors: the signs are balanced.
    EXPECT_LT(std::fabs(sum), 6 * deviation * std::sqrt(static_cast<double>(count))) << name(dtype);
  }
}

TEST(FillRandom, NoWordRepeats) {
  for (const auto& dtype : dtypes) {
    const auto data = filled(1 << 18, dtype.dtype, 1);
    std::unordered_set<std::uint64_t> seen;
    for (std::size_t i = 0; i < data.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data.data() + i, 8);
      seen.insert(word);
    }
    // 2^15 words of at least 44 random bits: one collision has a chance of 2^-15.
    EXPECT_EQ(seen.size(), data.size() / 8) << dtype.name;
  }
}

TEST(FillRandom, SameForTheSameSeedWhateverTheWorkers) {
  const std::size_t bytes = 100'003;
  const auto one = filled(bytes, DType::bf16, 42, 1);
  EXPECT_EQ(one, filled(bytes, DType::bf16, 42, 3));
  EXPECT_EQ(one, filled(bytes, DType::bf16, 42, 8));
  EXPECT_NE(one, filled(bytes, DType::bf16, 43, 1));
  auto longer = filled(bytes + 9, DType::bf16, 42, 2);
  longer.resize(bytes);
  EXPECT_EQ(one, longer);
}

TEST(FillRandom, WritesEveryByteAndNoOther) {
  HostWorkers workers(2);
  for (std::size_t bytes = 0; bytes < 40; ++bytes) {
    // A byte that two seeds in eight leave as it was would be a chance of 2^-64.
    std::vector<bool> written(bytes, false);
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      std::vector<std::byte> out(bytes + 16, std::byte{0xA5});
      fill_random(std::span(out).subspan(8, bytes), DType::u8, seed, workers);
      for (std::size_t i = 0; i < 8; ++i) {
        ASSERT_EQ(out[i], std::byte{0xA5});
        ASSERT_EQ(out[8 + bytes + i], std::byte{0xA5});
      }
      for (std::size_t i = 0; i < bytes; ++i) {
        if (out[8 + i] != std::byte{0xA5}) written[i] = true;
      }
    }
    for (std::size_t i = 0; i < bytes; ++i) EXPECT_TRUE(written[i]) << i << " of " << bytes;
  }
}

std::uint64_t link_at(const std::vector<std::byte>& data, std::uint64_t offset) {
  std::uint64_t next = 0;
  std::memcpy(&next, data.data() + offset, sizeof(next));
  return next;
}

TEST(MakeChain, VisitsEveryNodeOnceAndComesBack) {
  for (const std::size_t bytes : {128UL, 129UL, 255UL, 256UL, 384UL, 128UL * 5, 128UL * 1000 + 77,
                                  128UL * 4096, 128UL * 4097, 128UL * 65535}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      std::vector<std::byte> data(bytes, std::byte{0x5A});
      const Chain chain = make_chain(data, seed);
      ASSERT_EQ(chain.nodes, bytes / 128);
      ASSERT_EQ(chain.start, 0U);
      std::vector<bool> visited(chain.nodes, false);
      std::uint64_t at = chain.start;
      for (std::size_t step = 0; step < chain.nodes; ++step) {
        ASSERT_EQ(at % 128, 0U);
        ASSERT_LT(at / 128, chain.nodes);
        ASSERT_FALSE(visited[at / 128]) << "node " << at / 128 << " of " << chain.nodes << " twice";
        visited[at / 128] = true;
        at = link_at(data, at);
      }
      EXPECT_EQ(at, chain.start);
      for (std::size_t i = 0; i < bytes; ++i) {
        if (i / 128 < chain.nodes && i % 128 < 8) continue;
        ASSERT_EQ(data[i], std::byte{0x5A}) << "byte " << i << " of " << bytes;
      }
    }
  }
}

TEST(MakeChain, TooSmallForANode) {
  std::vector<std::byte> data(127, std::byte{0x5A});
  EXPECT_EQ(make_chain(data, 1).nodes, 0U);
  EXPECT_EQ(make_chain({}, 1).nodes, 0U);
  for (const auto byte : data) EXPECT_EQ(byte, std::byte{0x5A});
}

TEST(MakeChain, LeavesNothingToPredict) {
  for (const std::size_t nodes : {8192UL, 10000UL, 65536UL, 100003UL}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      std::vector<std::byte> data(nodes * 128);
      make_chain(data, seed);
      std::size_t same_page = 0;
      std::size_t near = 0;
      std::size_t same_stride = 0;
      std::uint64_t at = 0;
      std::uint64_t stride = 0;
      for (std::size_t step = 0; step < nodes; ++step) {
        const std::uint64_t next = link_at(data, at);
        if (next / 4096 == at / 4096) ++same_page;
        if (next - at + 32768U < 65536U) ++near;
        if (next - at == stride) ++same_stride;
        stride = next - at;
        at = next;
      }
      // A random cycle stays in its page of 32 nodes 31 times, comes within 8 pages 512 times,
      // and repeats a stride about once, in expectation, whatever its length.
      EXPECT_LT(same_page, 31 + nodes / 100) << nodes << " nodes, seed " << seed;
      EXPECT_LT(near, 512 + nodes / 50) << nodes << " nodes, seed " << seed;
      EXPECT_LT(same_stride, nodes / 100) << nodes << " nodes, seed " << seed;
    }
  }
}

TEST(MakeChain, DependsOnTheSeed) {
  std::vector<std::byte> a(128000);
  auto b = a;
  auto c = a;
  make_chain(a, 1);
  make_chain(b, 1);
  make_chain(c, 2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace offload::reference
