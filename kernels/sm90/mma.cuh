// SPDX-License-Identifier: Apache-2.0
// Hopper's own instructions, one function each: barriers in shared memory, loads by the tensor
// memory accelerator (TMA), and products of a warpgroup (wgmma). Names and operands as in the PTX
// ISA, version 8.0 and later.
#pragma once
#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace offload::kernels::sm90 {

__device__ inline std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// A block's place among those of its cluster, and their number.
__device__ inline std::uint32_t cluster_rank() {
  std::uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ inline std::uint32_t cluster_blocks() {
  std::uint32_t blocks;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  return blocks;
}
__device__ inline void cluster_sync() {
  asm volatile(
      "barrier.cluster.arrive.release.aligned;\n"
      "barrier.cluster.wait.acquire.aligned;" ::
          : "memory");
}

// --- launches that overlap (programmatic dependent launch)

__device__ inline void let_next_launch_begin() {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}
/// Until the launches before this one are complete, and what they wrote can be read.
__device__ inline void wait_for_launches_before() {
  asm volatile("griddepcontrol.wait;" ::: "memory");
}

// --- barriers: `bar` is an address in shared memory

__device__ inline void barrier_init(std::uint32_t bar, std::uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(bar), "r"(arrivals));
}
/// Makes initialised barriers known to the cluster and to TMA.
__device__ inline void fence_barrier_init() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ inline void barrier_arrive(std::uint32_t bar) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(bar) : "memory");
}
/// Arrive, and expect as many bytes of loads as well.
__device__ inline void barrier_expect_bytes(std::uint32_t bar, std::uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(bar), "r"(bytes)
               : "memory");
}
/// Arrive at the barrier that lies at the same address in block `rank` of the cluster. It hands
/// over what was read, not what was written: a release to the cluster would wait for all stores, at
/// the price of a microsecond.
__device__ inline void barrier_arrive_at(std::uint32_t bar, std::uint32_t rank) {
  asm volatile(
      "{\n"
      ".reg .b32 remote;\n"
      "mapa.shared::cluster.u32 remote, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [remote];\n"
      "}" ::"r"(bar),
      "r"(rank)
      : "memory");
}
/// Until the phase of this parity is complete.
__device__ inline void barrier_wait(std::uint32_t bar, std::uint32_t parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@!done bra again;\n"
      "}" ::"r"(bar),
      "r"(parity)
      : "memory");
}

// --- TMA: a box of a two-dimensional tensor, at element `x` of row `y`; zeros beyond its end

__device__ inline void load_box(std::uint32_t to, const CUtensorMap& map, std::uint32_t bar, int x,
                                int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%3, %4}], [%2];" ::"r"(to),
      "l"(&map), "r"(bar), "r"(x), "r"(y)
      : "memory");
}
/// To the same address in every block of the cluster that `mask` names; each counts the bytes at
/// its own barrier.
__device__ inline void load_box_for(std::uint16_t mask, std::uint32_t to, const CUtensorMap& map,
                                    std::uint32_t bar, int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%4, %5}], [%2], %3;" ::"r"(to),
      "l"(&map), "r"(bar), "h"(mask), "r"(x), "r"(y)
      : "memory");
}

// --- bulk copies of consecutive bytes, multiples of 16

/// As load_box_for().
__device__ inline void load_bytes_for(std::uint16_t mask, std::uint32_t to, const void* from,
                                      std::uint32_t bytes, std::uint32_t bar) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster"
      " [%0], [%1], %2, [%3], %4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(bar), "h"(mask)
      : "memory");
}
/// From shared to global memory; each store is a group of its own.
__device__ inline void store_bytes(void* to, std::uint32_t from, std::uint32_t bytes) {
  asm volatile(
      "cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;\n"
      "cp.async.bulk.commit_group;" ::"l"(to),
      "r"(from), "r"(bytes)
      : "memory");
}
/// Until all but `pending` stores have read what they store.
template <int pending>
__device__ inline void wait_stores_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(pending) : "memory");
}
/// Until all but `pending` stores are complete.
template <int pending>
__device__ inline void wait_stores() {
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(pending) : "memory");
}

// --- counters in global memory by which blocks tell one another how far they are. TMA goes another
// way to memory than loads and stores do: the fence orders the two.

__device__ inline void publish(std::uint32_t* counter, std::uint32_t value) {
  asm volatile(
      "fence.proxy.async;\n"
      "st.release.gpu.global.u32 [%0], %1;" ::"l"(counter),
      "r"(value)
      : "memory");
}
__device__ inline std::uint32_t observe(const std::uint32_t* counter) {
  std::uint32_t value;
  asm volatile(
      "ld.acquire.gpu.global.u32 %0, [%1];\n"
      "fence.proxy.async;"
      : "=r"(value)
      : "l"(counter)
      : "memory");
  return value;
}

// --- products of a warpgroup

/// Where a tile lies for wgmma: rows of 128 bytes along the inner dimension, swizzled by TMA in
/// groups of 8 rows (1,024 bytes, and so aligned).
__device__ inline std::uint64_t tile_descriptor(std::uint32_t address) {
  constexpr std::uint64_t swizzle_128 = std::uint64_t{1} << 62;
  constexpr std::uint64_t group_stride = std::uint64_t{1024 >> 4} << 32;
  constexpr std::uint64_t unused_stride = std::uint64_t{1} << 16;
  return swizzle_128 | group_stride | unused_stride | ((address & 0x3ffff) >> 4);
}

__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Until at most `pending` committed groups are not complete.
template <int pending>
__device__ inline void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

template <typename Element>
struct WgmmaType;
template <>
struct WgmmaType<__nv_bfloat16> {
  static constexpr const char name[] = "bf16";
};
template <>
struct WgmmaType<__half> {
  static constexpr const char name[] = "f16";
};

/// d[64, 128] += a[64, 16] b[128, 16]^T, or = where not `add`.
template <typename Element>
__device__ inline void wgmma_64x128x16(float (&d)[64], std::uint64_t a, std::uint64_t b, bool add) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %66, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.%67.%67 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, add, 1, 1, 0, 0;\n"
      "}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),
        "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]),
        "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]),
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]),
        "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]),
        "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
        "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]),
        "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]),
        "+f"(d[63])
      : "l"(a), "l"(b), "r"(static_cast<int>(add)), "C"(WgmmaType<Element>::name));
}

}  // namespace offload::kernels::sm90
