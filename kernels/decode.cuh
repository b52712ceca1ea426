// SPDX-License-Identifier: Apache-2.0
// Weight formats: how many values a 16-byte vector holds, and how they widen to fp32 (exactly).
#pragma once
#include <cuda_fp16.h>
#include <cuda_fp8.h>

namespace offload::kernels {

struct Bf16 {
  using Element = unsigned short;
  static constexpr int per_word = 2;
  __device__ static void widen(unsigned word, float* out) {
    out[0] = __uint_as_float(word << 16);  // bf16 is the upper half of an fp32
    out[1] = __uint_as_float(word & 0xffff0000U);
  }
};

struct Fp16 {
  using Element = unsigned short;
  static constexpr int per_word = 2;
  __device__ static void widen(unsigned word, float* out) {
    const float2 both = __half22float2(*reinterpret_cast<const __half2*>(&word));
    out[0] = both.x;
    out[1] = both.y;
  }
};

struct Fp8E4m3 {
  using Element = unsigned char;
  static constexpr int per_word = 4;
  __device__ static void widen(unsigned word, float* out) {
    widen_pair(static_cast<__nv_fp8x2_storage_t>(word & 0xffffU), out);
    widen_pair(static_cast<__nv_fp8x2_storage_t>(word >> 16), out + 2);
  }

 private:
  __device__ static void widen_pair(__nv_fp8x2_storage_t pair, float* out) {
    const __half2 halves{__nv_cvt_fp8x2_to_halfraw2(pair, __NV_E4M3)};
    const float2 both = __half22float2(halves);
    out[0] = both.x;
    out[1] = both.y;
  }
};

template <typename Format>
inline constexpr int per_vector = 4 * Format::per_word;

template <typename Format>
__device__ void widen_vector(const uint4& vector, float (&out)[per_vector<Format>]) {
  Format::widen(vector.x, out);
  Format::widen(vector.y, out + Format::per_word);
  Format::widen(vector.z, out + 2 * Format::per_word);
  Format::widen(vector.w, out + 3 * Format::per_word);
}

template <typename Format>
__device__ float widen_element(typename Format::Element element) {
  float out[Format::per_word];
  Format::widen(element, out);
  return out[0];
}

}  // namespace offload::kernels
