// SPDX-License-Identifier: Apache-2.0
// Loads of data that a kernel reads exactly once. They leave no line behind in L1, which would only
// push out what is read again (the activations of a gemv).
#pragma once
#include <cstdint>

namespace offload::kernels {

__device__ inline uint4 load_once(const uint4* from) {
  uint4 value;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(from));
  return value;
}

__device__ inline uint2 load_once(const uint2* from) {
  uint2 value;
  asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];"
               : "=r"(value.x), "=r"(value.y)
               : "l"(from));
  return value;
}

__device__ inline unsigned load_once(const unsigned* from) {
  unsigned value;
  asm volatile("ld.global.nc.L1::no_allocate.u32 %0, [%1];" : "=r"(value) : "l"(from));
  return value;
}

}  // namespace offload::kernels
