// SPDX-License-Identifier: Apache-2.0
// 16-bit weights as vectors of floats. Included once per instruction set, inside foreach_target.h's
// loop; not for HWY_SCALAR, which has no vectors.
#if defined(OFFLOAD_HOST_WIDEN_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef OFFLOAD_HOST_WIDEN_INL_HPP
#undef OFFLOAD_HOST_WIDEN_INL_HPP
#else
#define OFFLOAD_HOST_WIDEN_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace offload::host::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Floats>;
using HalfWords = hn::Rebind<std::uint16_t, Floats>;  // as many lanes as Floats
using HalfFloats = hn::Rebind<hwy::float16_t, Floats>;

/// Weights are loaded as bytes, so that a row may start at any address.
HWY_INLINE hn::Vec<HalfWords> load_half_words(const std::uint8_t* w) {
  const hn::Repartition<std::uint8_t, HalfWords> d8;
  return hn::BitCast(HalfWords(), hn::LoadU(d8, w));
}

/// bf16 is the upper half of a float.
HWY_INLINE FloatVec widen_bf16(hn::Vec<HalfWords> codes) {
  const hn::Repartition<std::uint32_t, Floats> d32;
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(d32, codes)));
}

HWY_INLINE FloatVec widen_fp16(hn::Vec<HalfWords> codes) {
  /// Before AVX2 x86 cannot convert, and Highway's stand-in takes infinities and NaNs for numbers.
  constexpr bool emulated = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX2;
  const auto floats = hn::PromoteTo(Floats(), hn::BitCast(HalfFloats(), codes));
  if constexpr (!emulated) return floats;
  const hn::Repartition<std::uint32_t, Floats> d32;
  const auto exponent = hn::Set(d32, 0x7C00);
  const auto special = hn::Eq(hn::And(hn::PromoteTo(d32, codes), exponent), exponent);
  const auto all_ones = hn::IfThenElseZero(special, hn::Set(d32, 0x7F800000));
  return hn::BitCast(Floats(), hn::Or(hn::BitCast(d32, floats), all_ones));
}

}  // namespace offload::host::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif  // the guard, which toggles
