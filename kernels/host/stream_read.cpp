// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set by foreach_target.h; the best one is chosen at run time.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/stream_read.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/host/stream_read.cpp"  // NOLINT
#include <hwy/foreach_target.h>                            // IWYU pragma: keep

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace offload::host::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The last block, and the tail shorter than a word.
std::uint64_t sum_words_one_by_one(const std::byte* data, std::size_t bytes) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < bytes; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, data + i, bytes - i < sizeof(word) ? bytes - i : sizeof(word));
    total += word;
  }
  return total;
}

#if HWY_TARGET == HWY_SCALAR  // no vectors: what old Highway falls back to with old GCC

std::uint64_t sum_words(const std::byte* data, std::size_t bytes) {
  return sum_words_one_by_one(data, bytes);
}

#else

/// Sum of the 32-bit words. Of each 64-bit lane v = low + 2^32 high, sum v and the highs: modulo
/// 2^64, sum(low) + sum(high) = sum(v) - 2^32 sum(high) + sum(high). One shift and two additions
/// for a vector, so that the memory is the limit even for the narrowest ones.
std::uint64_t sum_words(const std::byte* data, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> d8;
  const hn::ScalableTag<std::uint64_t> d64;
  using V = hn::Vec<decltype(d64)>;
  const std::size_t step = hn::Lanes(d8);
  const auto* p = reinterpret_cast<const std::uint8_t*>(data);
  const auto load = [&](std::size_t offset)
                        HWY_ATTR { return hn::BitCast(d64, hn::LoadU(d8, p + offset)); };

  V sum0 = hn::Zero(d64), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  V high0 = sum0, high1 = sum0, high2 = sum0, high3 = sum0;
  // Compilers load a vector once for each of its two uses: without this both would miss the cache.
  constexpr std::size_t ahead = 4096;
  std::size_t i = 0;
  for (; i + 4 * step <= bytes; i += 4 * step) {
    for (std::size_t line = 0; line < 4 * step; line += 64) hwy::Prefetch(p + i + ahead + line);
    const V v0 = load(i), v1 = load(i + step), v2 = load(i + 2 * step), v3 = load(i + 3 * step);
    sum0 = hn::Add(sum0, v0);
    sum1 = hn::Add(sum1, v1);
    sum2 = hn::Add(sum2, v2);
    sum3 = hn::Add(sum3, v3);
    high0 = hn::Add(high0, hn::ShiftRight<32>(v0));
    high1 = hn::Add(high1, hn::ShiftRight<32>(v1));
    high2 = hn::Add(high2, hn::ShiftRight<32>(v2));
    high3 = hn::Add(high3, hn::ShiftRight<32>(v3));
  }
  const V sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const V high = hn::Add(hn::Add(high0, high1), hn::Add(high2, high3));
  const V words = hn::Add(hn::Sub(sum, hn::ShiftLeft<32>(high)), high);
  return hn::GetLane(hn::SumOfLanes(d64, words)) + sum_words_one_by_one(data + i, bytes - i);
}

#endif

}  // namespace offload::host::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace offload::host {

HWY_EXPORT(sum_words);

std::uint64_t sum_words(const std::byte* data, std::size_t bytes) {
  return HWY_DYNAMIC_DISPATCH(sum_words)(data, bytes);
}

void stream_read(const std::byte* data, std::size_t bytes, std::uint64_t* sum,
                 HostWorkers& workers) {
  constexpr std::size_t grain = 4096;  // a share is whole cache lines: none is read twice
  workers.enqueue(bytes, grain, [=](std::size_t begin, std::size_t end) {
    const std::uint64_t part = sum_words(data + begin, end - begin);
    std::atomic_ref(*sum).fetch_add(part, std::memory_order_relaxed);
  });
}

}  // namespace offload::host
#endif
