// SPDX-License-Identifier: Apache-2.0
// What a machine reaches: the small set of rates that policies tune by and predictions are made of.
// Calibrated in the first seconds of a run, or read from a profile of another machine.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "offload/dtype.hpp"
#include "offload/platform.hpp"

namespace offload {

/// What is asked of kernels that would read a byte of a weight more than once in one product, as
/// tiles of many tokens make them do.
enum class Rereads : std::uint8_t {
  as_engines_do,      // whatever the library proposes first
  fewest_by_library,  // the one of the library's algorithms that reads least often
  none,               // kernels that share what they read
};

constexpr std::string_view name(Rereads rereads) {
  if (rereads == Rereads::as_engines_do) return "as_engines_do";
  return rereads == Rereads::none ? "none" : "fewest_by_library";
}

/// The product of a weight, rows (output features) x cols, and a number of tokens.
struct ProductShape {
  DType dtype = DType::bf16;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t tokens = 1;

  double bytes() const {  // of the weight
    return static_cast<double>(rows) * static_cast<double>(cols * bytes_of(dtype));
  }
  bool same_weight(const ProductShape& other) const {
    return dtype == other.dtype && rows == other.rows && cols == other.cols;
  }
  bool operator==(const ProductShape&) const = default;
};

/// What one takes among others that follow each other, in seconds.
struct ProductTime {
  ProductShape shape;
  Rereads rereads = Rereads::as_engines_do;
  double seconds = 0;     // with the weight in its reader's own memory
  std::size_t reads = 1;  // of each byte of the weight, where caches do not help
  double slowdown = 1;  // times as long once nothing else has run for a while: power limits clocks
  bool operator==(const ProductTime&) const = default;
};

/// How often kernels read each byte of a weight, where caches do not help, for numbers of tokens
/// that were not timed.
struct WeightReads {
  DType dtype = DType::bf16;
  std::size_t rows = 0;
  std::size_t cols = 0;
  Rereads rereads = Rereads::as_engines_do;
  std::map<std::size_t, std::size_t> by_tokens;

  bool of(const ProductShape& shape) const { return shape.same_weight({dtype, rows, cols}); }
  bool operator==(const WeightReads&) const = default;
};

/// In bytes, floating-point operations (FLOP) per second, and seconds. What is not known is nullopt
/// (0 of host_read), and what depends on it is not predicted.
struct Rates {
  // The link.
  std::optional<double> copy_h2d;  // copy engine, pinned memory
  std::optional<double> copy_d2h;
  std::optional<double> copy_start;   // seconds that a copy takes beyond its bytes'
  std::optional<double> batch_start;  // likewise, each of a batch
  std::optional<double> copy_pageable;
  std::optional<double> sm_read_pinned;                            // by kernels, in place
  std::optional<double> sm_write_pinned;                           // likewise, written
  std::optional<double> copy_h2d_beside_d2h, copy_d2h_beside_h2d;  // both ways at once
  std::optional<double> link_latency;  // seconds of a dependent read of pinned memory by one thread
  std::optional<double> peer_copy, sm_read_peer;  // likewise from memory of the serving peer
  // Pages that the driver brings by prefetches or faults, or maps by faults; through a window that
  // sends them home or drops them, its way home included.
  std::optional<double> prefetch, prefetch_read_mostly;
  std::optional<double> fault, fault_read_mostly;
  std::optional<double> map;
  std::optional<double> window_read_mostly, window_migrate;
  std::optional<double> prefetch_start;  // seconds that a prefetch call takes beyond its bytes'
  // Likewise each run of neighbouring rows, where a pass reads some here and some there.
  std::optional<double> fault_run_start;
  std::optional<double> window_read_mostly_run_start, window_migrate_run_start;
  // GPU memory, and kernels.
  std::optional<double> device_read;
  std::optional<double> device_latency;
  std::optional<double> launch;  // seconds that a kernel takes beyond what it reads
  std::vector<ProductTime> products;
  std::vector<WeightReads> product_reads;
  std::optional<double> flops;      // of large dense products of 16-bit types
  std::optional<double> flops_fp8;  // likewise of fp8; twice flops where it is not known
  // The CPU.
  double host_read = 0;                                // all workers streaming from host memory
  std::map<std::size_t, double> host_read_by_threads;  // so many of them
  std::optional<double> host_start;  // seconds that sharing a read out takes beyond its bytes'
  std::optional<double> copy_h2d_beside_host;     // the copy engine while all workers read
  std::optional<double> host_read_beside_copy;    // and the workers meanwhile
  std::optional<double> host_read_of_gpu_memory;  // in place; coherent links alone
  std::optional<double> hand_over;  // seconds from the end of one side's work to the other's begin
  std::vector<ProductTime> host_products;
  std::optional<double> host_flops;  // of large dense products

  bool operator==(const Rates&) const = default;
};

/// What each of so many GPUs of one host can count on while all of them are at work: a link of its
/// own, and as large a part of the CPU as of its memory's rate as the others have.
Rates with_share_of_host(const Rates& rates, std::size_t gpus);

/// What the one memory of GPU and CPU gives.
struct MemoryRoof {
  double bytes_per_second = 0;
  std::string_view reader;  // completes "read by ..." for the user
};

/// By whichever plain read of it was fastest; nullopt where GPU and CPU have a memory each. Both at
/// once may get more out of it than either alone.
std::optional<MemoryRoof> memory_roof(const Platform& platform, const Rates& rates);
/// Its rate alone.
std::optional<double> memory_rate(const Platform& platform, const Rates& rates);

/// Of a product by the GPU on a weight in its memory, or by the CPU: as measured for this shape;
/// between two numbers of tokens in proportion, beyond them by the nearer (more than twice as many
/// by 256 and more only, where arithmetic takes the time); of another shape, by the
/// bytes of the weight that is most alike. How often its weight is read is as product_reads has it,
/// else as for the next number of tokens.
///
/// Where no product of the type was measured: as long as it takes to read the weight once
/// (device_read, host_read) or to compute (flops, host_flops), whichever is longer, and for the GPU
/// a launch. One token computes next to nothing, so that flops need not be known. Over the link
/// kernels read a weight again for each block of tokens: of 256 as an engine's do, of 1024 with the
/// library's fewest. nullopt where one of these is missing, and for types that nothing multiplies.
/// That a GPU has kernels which share what they read is not asked here.
std::optional<ProductTime> gpu_product(const Rates& rates, const ProductShape& shape,
                                       Rereads rereads = Rereads::as_engines_do);
std::optional<ProductTime> cpu_product(const Rates& rates, const ProductShape& shape);

}  // namespace offload
