// SPDX-License-Identifier: Apache-2.0
// A block multiplies 256 tokens by tiles of 128 rows, 128 bytes of columns at a time. Its cluster
// lies along tokens, so that all its blocks need the same tile of W: each loads a slice of it for
// all, and a byte crosses the link once a cluster. Blocks are persistent, and the thread that loads
// runs ahead over the ends of tiles: the link does not wait while results are written.
//
// Sixteen blocks are all that a cluster can have: 4,096 tokens. For more, clusters work in pairs.
// The leader keeps what it has read in a ring in GPU memory (small enough for the L2 cache), and
// the follower reads it there for the next 4,096 tokens. Slice by slice: block i of the follower
// waits for block i of the leader alone.
#include "kernels/sm90/read_once.hpp"

#include <cuda.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>

#include "kernels/launch.cuh"
#include "kernels/sm90/mma.cuh"
#include "offload/error.hpp"

namespace offload::kernels {
namespace {

using namespace sm90;

constexpr int block_tokens = static_cast<int>(ReadOnceShape::block_tokens);
constexpr int tile_rows = 128;
constexpr int step_bytes = 128;  // of columns: what a swizzled row of a tile holds
constexpr int x_bytes = block_tokens * step_bytes;
constexpr int w_bytes = tile_rows * step_bytes;
// Each ring as deep as its source is far: W comes over the link, X out of GPU memory.
constexpr int x_stages = 3;
constexpr int w_stages = 8;
constexpr int warpgroup = 128;
constexpr int consumers = 2;  // warpgroups, each of half the tokens
constexpr int threads = warpgroup * (consumers + 1);
constexpr int tile_alignment = 1024;

constexpr int slots = 64;        // of a pair's ring, of one tile each
constexpr int told_at_once = 8;  // tiles: to tell progress takes a microsecond

struct Barriers {
  std::uint64_t x_full[x_stages];
  std::uint64_t x_empty[x_stages];
  std::uint64_t w_full[w_stages];
  std::uint64_t w_empty[w_stages];
  std::uint64_t w_kept[w_stages];
};
constexpr std::size_t shared_bytes = std::size_t{tile_alignment} + x_stages * x_bytes +
                                     std::size_t{w_stages} * w_bytes + sizeof(Barriers);

/// How many tiles of a pair a leader's block has written to the ring and its follower's has read.
struct Progress {
  std::uint32_t written;
  std::uint32_t read;
};
constexpr std::size_t most_pairs = 8;
constexpr std::size_t progress_bytes =
    most_pairs * ReadOnceShape::most_blocks * sizeof(Progress);  // a multiple of 16
constexpr std::size_t ring_bytes = std::size_t{slots} * w_bytes;

struct Product {
  int tokens;
  int rows;
  int steps;  // along the columns
  std::size_t ld_y;
  Progress* progress;  // of every pair and block; nullptr where clusters work alone
  std::uint8_t* rings;
};

/// What a cluster works off: tiles of rows by groups of tokens, rows first.
struct Work {
  int rank;     // of the block in its cluster
  int blocks;   // of a cluster
  int sharing;  // clusters that share what is read: 1, or 2
  int place;    // among those: 0 leads, 1 follows
  int first;    // tile
  int stride;   // to the next
  int tiles;
  int row_tiles;

  __device__ explicit Work(const Product& product)
      : rank(static_cast<int>(cluster_rank())),
        blocks(static_cast<int>(cluster_blocks())),
        sharing(product.progress != nullptr ? 2 : 1) {
    const int cluster = static_cast<int>(blockIdx.x) / blocks;
    stride = static_cast<int>(gridDim.x) / blocks / sharing;
    place = cluster / stride;  // leaders are launched first
    first = cluster % stride;
    row_tiles = (product.rows + tile_rows - 1) / tile_rows;
    const int group_tokens = sharing * blocks * block_tokens;
    tiles = row_tiles * ((product.tokens + group_tokens - 1) / group_tokens);
  }
  __device__ int row(int tile) const { return tile % row_tiles * tile_rows; }
  __device__ int token(int tile) const {
    return ((tile / row_tiles * sharing + place) * blocks + rank) * block_tokens;
  }
  __device__ bool leads() const { return sharing > 1 && place == 0; }
  __device__ int slice_rows() const { return tile_rows / blocks; }
  __device__ int slice_bytes() const { return slice_rows() * step_bytes; }
  __device__ Progress& progress(const Product& product) const {
    return product.progress[first * blocks + rank];
  }
  /// This block's slice of a tile in the pair's ring.
  __device__ std::uint8_t* slot(const Product& product, std::uint32_t step) const {
    return product.rings + (static_cast<std::size_t>(first) * slots + step % slots) * w_bytes +
           rank * slice_bytes();
  }
};

/// A place in a ring of stages: which is next, and how often all were.
template <int stages>
struct Stage {
  int index = 0;
  std::uint32_t parity = 0;
  __device__ void advance() {
    if (++index < stages) return;
    index = 0;
    parity ^= 1;
  }
};
using XStage = Stage<x_stages>;
using WStage = Stage<w_stages>;

/// Rounds the accumulators of 64 tokens by 128 rows and writes those that are part of y.
template <typename Element, typename Pair>
__device__ void store(const float (&d)[64], Element* y, const Product& product, int token, int row,
                      Pair (*to_pair)(float, float)) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) % warpgroup / 32;
  const int column = row + lane % 4 * 2;
  for (int half = 0; half < 2; ++half) {
    const int t = token + warp * 16 + half * 8 + lane / 4;
    if (t >= product.tokens) return;
    Element* const out = y + static_cast<std::size_t>(t) * product.ld_y;
#pragma unroll
    for (int j = 0; j < tile_rows / 8; ++j) {
      const int r = column + j * 8;
      if (r >= product.rows) break;
      *reinterpret_cast<Pair*>(out + r) = to_pair(d[j * 4 + half * 2], d[j * 4 + half * 2 + 1]);
    }
  }
}

__device__ __nv_bfloat162 to_pair_bf16(float a, float b) { return __floats2bfloat162_rn(a, b); }
__device__ __half2 to_pair_fp16(float a, float b) { return __floats2half2_rn(a, b); }

__device__ void store(const float (&d)[64], __nv_bfloat16* y, const Product& product, int token,
                      int row) {
  store<__nv_bfloat16, __nv_bfloat162>(d, y, product, token, row, to_pair_bf16);
}
__device__ void store(const float (&d)[64], __half* y, const Product& product, int token, int row) {
  store<__half, __half2>(d, y, product, token, row, to_pair_fp16);
}

/// Addresses in shared memory.
struct Shared {
  std::uint32_t x_tiles, w_tiles, barriers;

  __device__ explicit Shared(const void* base) {
    x_tiles = (shared_address(base) + tile_alignment - 1) / tile_alignment * tile_alignment;
    w_tiles = x_tiles + x_stages * x_bytes;
    barriers = w_tiles + w_stages * w_bytes;
  }
  __device__ std::uint32_t x(XStage stage) const { return x_tiles + stage.index * x_bytes; }
  __device__ std::uint32_t w(WStage stage) const { return w_tiles + stage.index * w_bytes; }
  __device__ std::uint32_t x_full(int i) const { return at(offsetof(Barriers, x_full), i); }
  __device__ std::uint32_t x_empty(int i) const { return at(offsetof(Barriers, x_empty), i); }
  __device__ std::uint32_t w_full(int i) const { return at(offsetof(Barriers, w_full), i); }
  __device__ std::uint32_t w_empty(int i) const { return at(offsetof(Barriers, w_empty), i); }
  __device__ std::uint32_t w_kept(int i) const { return at(offsetof(Barriers, w_kept), i); }

  __device__ void init_barriers(const Work& work) const {
    for (int i = 0; i < x_stages; ++i) {
      barrier_init(x_full(i), 1);
      barrier_init(x_empty(i), consumers);
    }
    for (int i = 0; i < w_stages; ++i) {
      barrier_init(w_full(i), 1);
      barrier_init(w_empty(i), work.blocks * consumers);
      barrier_init(w_kept(i), 1);
    }
    fence_barrier_init();
  }

 private:
  __device__ std::uint32_t at(std::size_t first, int i) const {
    return barriers + static_cast<std::uint32_t>(first + i * sizeof(std::uint64_t));
  }
};

/// One thread: brings the block's tokens into their ring, ahead of those who multiply.
template <typename Element>
__device__ void load_x(const Shared& shared, const Work& work, const Product& product,
                       const CUtensorMap& x_map) {
  constexpr int step_values = step_bytes / static_cast<int>(sizeof(Element));
  wait_for_launches_before();  // they may write X
  XStage stage;
  for (int tile = work.first; tile < work.tiles; tile += work.stride) {
    for (int k = 0; k < product.steps; ++k) {
      const std::uint32_t bar = shared.x_full(stage.index);
      barrier_wait(shared.x_empty(stage.index), stage.parity ^ 1);
      barrier_expect_bytes(bar, x_bytes);
      load_box(shared.x(stage), x_map, bar, k * step_values, work.token(tile));
      stage.advance();
    }
  }
}

/// One thread: brings the block's slices of W to all blocks of the cluster: over the link, or out
/// of what the leader has kept.
template <typename Element>
__device__ void load_w(const Shared& shared, const Work& work, const Product& product,
                       const CUtensorMap& w_map) {
  constexpr int step_values = step_bytes / static_cast<int>(sizeof(Element));
  const auto all = static_cast<std::uint16_t>((1U << work.blocks) - 1);
  const bool follows = work.place > 0;
  std::uint32_t step = 0;
  std::uint32_t written = 0;
  WStage stage;
  for (int tile = work.first; tile < work.tiles; tile += work.stride) {
    const int row = work.row(tile) + work.rank * work.slice_rows();
    for (int k = 0; k < product.steps; ++k, ++step) {
      const std::uint32_t bar = shared.w_full(stage.index);
      const std::uint32_t to = shared.w(stage) + work.rank * work.slice_bytes();
      barrier_wait(shared.w_empty(stage.index), stage.parity ^ 1);
      if (work.leads()) barrier_wait(shared.w_kept(stage.index), stage.parity ^ 1);
      barrier_expect_bytes(bar, w_bytes);
      if (follows) {
        Progress& progress = work.progress(product);
        // What was in this stage has arrived.
        if (step >= w_stages && step % told_at_once == 0) {
          publish(&progress.read, step - w_stages + 1);
        }
        while (written <= step) written = observe(&progress.written);
        load_bytes_for(all, to, work.slot(product, step), work.slice_bytes(), bar);
      } else {
        load_box_for(all, to, w_map, bar, k * step_values, row);
      }
      stage.advance();
    }
  }
}

/// One thread of a leader: keeps its block's slices of W in the ring in GPU memory.
__device__ void keep(const Shared& shared, const Work& work, const Product& product) {
  constexpr int pending = 3;  // stores whose completion nobody waits for yet
  Progress& progress = work.progress(product);
  std::uint32_t step = 0;
  std::uint32_t read = 0;
  WStage stage;
  for (int tile = work.first; tile < work.tiles; tile += work.stride) {
    for (int k = 0; k < product.steps; ++k, ++step) {
      barrier_wait(shared.w_full(stage.index), stage.parity);
      while (step >= read + slots) read = observe(&progress.read);
      store_bytes(work.slot(product, step), shared.w(stage) + work.rank * work.slice_bytes(),
                  work.slice_bytes());
      wait_stores_read<0>();
      barrier_arrive(shared.w_kept(stage.index));
      wait_stores<pending>();
      if (step >= pending && step % told_at_once == 0) {
        publish(&progress.written, step - pending + 1);
      }
      stage.advance();
    }
  }
  wait_stores<0>();
  publish(&progress.written, step);
}

/// A warpgroup: its half of the block's tokens by every tile.
template <typename Element>
__device__ void multiply(const Shared& shared, const Work& work, const Product& product, int group,
                         Element* y) {
  constexpr int halves = block_tokens / consumers / 64;  // of 64 tokens each
  constexpr int mma_bytes = 32;                          // of columns, in one wgmma
  const int in_group = static_cast<int>(threadIdx.x) % warpgroup;
  float d[halves][64];
  XStage x_stage;
  WStage w_stage;
  for (int tile = work.first; tile < work.tiles; tile += work.stride) {
    for (int k = 0; k < product.steps; ++k) {
      barrier_wait(shared.x_full(x_stage.index), x_stage.parity);
      barrier_wait(shared.w_full(w_stage.index), w_stage.parity);
      const std::uint32_t x = shared.x(x_stage) + group * halves * 64 * step_bytes;
      const std::uint32_t w = shared.w(w_stage);
      wgmma_fence();
#pragma unroll
      for (int part = 0; part < step_bytes; part += mma_bytes) {
#pragma unroll
        for (int h = 0; h < halves; ++h) {
          wgmma_64x128x16<Element>(d[h], tile_descriptor(x + h * 64 * step_bytes + part),
                                   tile_descriptor(w + part), k > 0 || part > 0);
        }
      }
      wgmma_commit();
      // The next step could begin beside this one, but a stage given back sooner is worth more: the
      // link is what all wait for.
      wgmma_wait<0>();
      if (in_group == 0) barrier_arrive(shared.x_empty(x_stage.index));
      if (in_group < work.blocks) barrier_arrive_at(shared.w_empty(w_stage.index), in_group);
      x_stage.advance();
      w_stage.advance();
    }
    const int token = work.token(tile) + group * halves * 64;
#pragma unroll
    for (int h = 0; h < halves; ++h) store(d[h], y, product, token + h * 64, work.row(tile));
  }
}

template <typename Element>
__global__ void __launch_bounds__(threads, 1)
    read_once(const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap w_map,
              Element* y, Product product) {
  extern __shared__ std::uint8_t memory[];
  const Shared shared(memory);
  const Work work(product);
  // The next product's blocks may come as soon as these end, and read ahead: W does not change.
  let_next_launch_begin();
  if (threadIdx.x == 0) shared.init_barriers(work);
  cluster_sync();

  const int group = static_cast<int>(threadIdx.x) / warpgroup;
  const int loader = static_cast<int>(threadIdx.x) - consumers * warpgroup;
  if (group < consumers) {
    multiply(shared, work, product, group, y);
  } else if (loader == 0) {
    load_w<Element>(shared, work, product, w_map);
  } else if (loader == 32) {
    load_x<Element>(shared, work, product, x_map);
  } else if (loader == 64 && work.leads()) {
    keep(shared, work, product);
  }
  // No block ends while others may still arrive at its barriers.
  __syncwarp();
  cluster_sync();
}

using Encode = decltype(cuTensorMapEncodeTiled);

/// A row-major matrix of 16-bit values, read in boxes of `box_rows` rows by one step of columns.
CUtensorMap map_of(Encode* encode, const void* data, CUtensorMapDataType type, std::size_t rows,
                   std::size_t cols, std::size_t box_rows) {
  constexpr std::size_t value_bytes = 2;
  const cuuint64_t sizes[] = {cols, rows};
  const cuuint64_t strides[] = {cols * value_bytes};
  const cuuint32_t box[] = {static_cast<cuuint32_t>(step_bytes / value_bytes),
                            static_cast<cuuint32_t>(box_rows)};
  const cuuint32_t apart[] = {1, 1};
  CUtensorMap map;
  const CUresult result =
      encode(&map, type, 2, const_cast<void*>(data), sizes, strides, box, apart,
             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  // CUresult and cudaError_t have had the same numbers since CUDA 10.1.
  require_success(static_cast<cudaError_t>(result), "cuTensorMapEncodeTiled");
  return map;
}

/// A grid of clusters, and the attributes that say so and that it may begin while the launch before
/// it ends; not to be copied or moved.
struct Launch {
  Launch(unsigned blocks, unsigned clusters, StreamHandle stream) {
    attributes[0].id = cudaLaunchAttributeClusterDimension;
    attributes[0].val.clusterDim = {blocks, 1, 1};
    attributes[1].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[1].val.programmaticStreamSerializationAllowed = 1;
    config.gridDim = {blocks * clusters, 1, 1};
    config.blockDim = {threads, 1, 1};
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = attributes;
    config.numAttrs = 2;
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  cudaLaunchAttribute attributes[2]{};
  cudaLaunchConfig_t config{};
};

template <typename Element>
void prepare() {
  const auto kernel = read_once<Element>;
  require_success(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                       static_cast<int>(shared_bytes)),
                  "shared memory of the gemm that reads once");
  // More than 8 blocks are Hopper's alone to offer.
  require_success(cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
                  "clusters of the gemm that reads once");
}

/// A product as the caller asks for it.
struct Request {
  Encode* encode;
  const void* w;
  std::size_t rows, cols;
  const void* x;
  std::size_t tokens;
  void* y;
  std::size_t ld_y;
  void* workspace;
  StreamHandle stream;
};

template <typename Element>
void launch_with(const Request& asked, CUtensorMapDataType type, const ReadOnceShape& shape,
                 std::size_t clusters) {
  constexpr std::size_t step_values = step_bytes / sizeof(Element);
  const CUtensorMap x_map =
      map_of(asked.encode, asked.x, type, asked.tokens, asked.cols, block_tokens);
  const CUtensorMap w_map =
      map_of(asked.encode, asked.w, type, asked.rows, asked.cols, tile_rows / shape.blocks);
  Product product{};
  product.tokens = static_cast<int>(asked.tokens);
  product.rows = static_cast<int>(asked.rows);
  product.steps = static_cast<int>((asked.cols + step_values - 1) / step_values);
  product.ld_y = asked.ld_y;
  if (shape.clusters > 1) {
    auto* const workspace = static_cast<std::uint8_t*>(asked.workspace);
    require_success(cudaMemsetAsync(workspace, 0, progress_bytes, asked.stream),
                    "workspace of the gemm that reads once");
    product.progress = reinterpret_cast<Progress*>(workspace);
    product.rings = workspace + progress_bytes;
  }
  const Launch launch(static_cast<unsigned>(shape.blocks), static_cast<unsigned>(clusters),
                      asked.stream);
  require_success(cudaLaunchKernelEx(&launch.config, read_once<Element>, x_map, w_map,
                                     static_cast<Element*>(asked.y), product),
                  "gemm that reads once");
}

}  // namespace

ReadOnceGemm::ReadOnceGemm(void* encoder) : encode_(encoder) {
  prepare<__nv_bfloat16>();
  prepare<__half>();
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    const Launch launch(1U << i, 1, nullptr);
    require_success(
        cudaOccupancyMaxActiveClusters(&clusters_[i], read_once<__nv_bfloat16>, &launch.config),
        "cudaOccupancyMaxActiveClusters");
  }
}

void ReadOnceGemm::launch(const void* w, DType dtype, std::size_t rows, std::size_t cols,
                          const void* x, std::size_t tokens, void* y, std::size_t ld_y,
                          void* workspace, StreamHandle stream) const {
  if (rows == 0 || tokens == 0) return;
  const ReadOnceShape shape = ReadOnceShape::of(tokens);
  const auto at_once =
      static_cast<std::size_t>(clusters_[static_cast<std::size_t>(std::countr_zero(shape.blocks))]);
  if (at_once < shape.clusters) {
    throw CudaError("gemm that reads once: this GPU runs " + std::to_string(at_once) +
                        " clusters of " + std::to_string(shape.blocks) + " blocks at once, not " +
                        std::to_string(shape.clusters),
                    false, false);
  }
  const std::size_t tiles = (rows + tile_rows - 1) / tile_rows * shape.reads;
  const std::size_t teams =
      shape.clusters > 1 ? std::min(at_once / shape.clusters, most_pairs) : at_once;
  const std::size_t clusters = shape.clusters * std::min(tiles, teams);
  const Request request{
      reinterpret_cast<Encode*>(encode_), w, rows, cols, x, tokens, y, ld_y, workspace, stream};
  if (dtype == DType::bf16) {
    launch_with<__nv_bfloat16>(request, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, shape, clusters);
  } else {
    launch_with<__half>(request, CU_TENSOR_MAP_DATA_TYPE_FLOAT16, shape, clusters);
  }
}

std::size_t ReadOnceGemm::workspace_bytes(std::size_t tokens) {
  return ReadOnceShape::of(tokens).clusters > 1 ? progress_bytes + most_pairs * ring_bytes : 0;
}

Support ReadOnceGemm::supports(const Platform& platform, const WeightTensor& tensor) {
  if (!platform.gpu) return Support::no(platform.gpu_absent_reason);
  if (platform.gpu->compute_major != 9 || platform.gpu->compute_minor != 0) {
    return Support::no(
        "reading weights once for many tokens needs multicast to clusters of 16 "
        "blocks: compute capability 9.0; this GPU has " +
        std::to_string(platform.gpu->compute_major) + "." +
        std::to_string(platform.gpu->compute_minor));
  }
  if (tensor.dtype != DType::bf16 && tensor.dtype != DType::fp16) {
    return Support::no("reading weights once for many tokens multiplies bf16 and fp16; " +
                       tensor.name + " is " + std::string(name(tensor.dtype)));
  }
  if (tensor.cols % 8 != 0 || tensor.rows % 2 != 0) {
    return Support::no(
        "reading weights once for many tokens needs columns in multiples of 8 and "
        "rows of 2; " +
        tensor.name + " is " + std::to_string(tensor.rows) + "x" + std::to_string(tensor.cols));
  }
  return Support::yes();
}

}  // namespace offload::kernels
