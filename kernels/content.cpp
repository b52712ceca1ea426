// SPDX-License-Identifier: Apache-2.0
#include "kernels/content.hpp"

#include <bit>
#include <cstring>

#include "kernels/random.hpp"

namespace offload::reference {
namespace {

/// How 8 random bytes become finite elements: keep some bits of each, then add to each. Whole
/// words at a time, since filling gigabytes element by element would take longer than measuring
/// them. No addition carries from one element into the next.
struct Mapping {
  std::uint64_t keep_magnitude;
  std::uint64_t add;
  std::uint64_t keep_sign;

  std::uint64_t operator()(std::uint64_t random) const {
    return ((random & keep_magnitude) + add) | (random & keep_sign);
  }
};

constexpr std::uint64_t everywhere(std::uint64_t element, unsigned bits) {
  std::uint64_t word = 0;
  for (unsigned shift = 0; shift < 64; shift += bits) word |= element << shift;
  return word;
}

/// All bits of the mantissa and eight exponents are equally likely, so that every bit of them is
/// exercised: magnitudes in [2^-8, 1). fp8_e4m3 has subnormals in reach: codes 0x01 to 0x40,
/// magnitudes in [2^-9, 2], never zero.
Mapping mapping_of(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return {everywhere(0x03FF, 16), everywhere(119 << 7, 16), everywhere(0x8000, 16)};
    case DType::fp16:
      return {everywhere(0x1FFF, 16), everywhere(7 << 10, 16), everywhere(0x8000, 16)};
    case DType::fp32:
      return {everywhere(0x03FFFFFF, 32), everywhere(119U << 23, 32), everywhere(0x80000000, 32)};
    case DType::fp8_e4m3:
      return {everywhere(0x3F, 8), everywhere(0x01, 8), everywhere(0x80, 8)};
    case DType::u8:
      break;
  }
  return {~std::uint64_t{0}, 0, 0};
}

/// A random single cycle through 0 ... 2^bits - 1 as a function of the node alone, so that it is
/// written in the order of addresses: a shuffle of 4 GiB of nodes would take most of a minute in
/// cache misses.
///
/// x -> a x + c mod 2^bits visits every x once when c is odd and a mod 4 = 1 (Hull and Dobell).
/// Its low bits repeat with short periods, so it is seen through twist(), which folds the high
/// half of the bits, random to the eye, into the low half. A cycle seen through a bijection is
/// still one cycle. No stride repeats and pages follow each other in no order, which is all that
/// prefetchers and TLBs could hold on to.
class Cycle {
 public:
  Cycle(unsigned bits, std::uint64_t seed)
      : mask_((std::uint64_t{1} << bits) - 1),
        shift_((bits + 1) / 2),
        multiplier_((mix(seed ^ 0x9E3779B97F4A7C15U) & ~std::uint64_t{7}) | 5),
        increment_(mix(seed + 0x9E3779B97F4A7C15U) | 1) {}

  std::uint64_t next(std::uint64_t x) const {
    return twist((multiplier_ * twist(x) + increment_) & mask_);
  }

 private:
  /// Its own inverse, because the upper half of the bits passes unchanged.
  std::uint64_t twist(std::uint64_t x) const { return x ^ (x >> shift_); }

  std::uint64_t mask_;
  unsigned shift_;
  std::uint64_t multiplier_;
  std::uint64_t increment_;
};

}  // namespace

void fill_random(std::span<std::byte> out, DType dtype, std::uint64_t seed, HostWorkers& workers) {
  constexpr std::size_t word = sizeof(std::uint64_t);
  const Mapping mapping = mapping_of(dtype);
  const std::uint64_t key = mix(seed);
  workers.run(out.size(), 4096, [=](std::size_t begin, std::size_t end) {
    const auto value = [&](std::size_t byte) {
      return mapping(mix(key + (byte / word + 1) * 0x9E3779B97F4A7C15U));
    };
    std::size_t i = begin;  // a multiple of the word, whatever the share
    for (; i + word <= end; i += word) {
      const std::uint64_t bits = value(i);
      std::memcpy(out.data() + i, &bits, word);
    }
    if (i < end) {
      const std::uint64_t bits = value(i);
      std::memcpy(out.data() + i, &bits, end - i);
    }
  });
}

Chain make_chain(std::span<std::byte> out, std::uint64_t seed) {
  const std::uint64_t nodes = out.size() / chain_node_bytes;
  if (nodes == 0) return {};
  const Cycle cycle(static_cast<unsigned>(std::bit_width(nodes - 1)), seed);
  for (std::uint64_t node = 0; node < nodes; ++node) {
    // The cycle is over a power of two, less than twice the nodes: what lies beyond is skipped.
    std::uint64_t next = cycle.next(node);
    while (next >= nodes) next = cycle.next(next);
    const std::uint64_t offset = next * chain_node_bytes;
    std::memcpy(out.data() + node * chain_node_bytes, &offset, sizeof(offset));
  }
  return {0, static_cast<std::size_t>(nodes)};
}

}  // namespace offload::reference
