// SPDX-License-Identifier: Apache-2.0
// Tokens are split over blocks, and within a block over slots of eight lanes, each of which has an
// eighth of the features of keys, values and all queries that share them. Slots keep a running
// softmax, and are put together by the block, the blocks by a second kernel.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "kernels/attention.hpp"
#include "kernels/decode.cuh"
#include "kernels/launch.cuh"
#include "kernels/load.cuh"

namespace offload::kernels {
namespace {

constexpr int threads = 128;
constexpr int slot_lanes = 8;
constexpr int slots = threads / slot_lanes;
constexpr int features = static_cast<int>(AttentionShape::features);
constexpr int group = static_cast<int>(AttentionShape::group);
constexpr int lane_features = features / slot_lanes;
constexpr int row_vectors = features * 2 / 16;  // of 16 bytes
constexpr int lane_vectors = row_vectors / slot_lanes;

/// What each split of a row leaves of each query: the sum of its weighted values, their weights'
/// sum, and the largest score, which both are relative to.
constexpr int left_floats = features + 2;

struct Features {
  uint4 vectors[lane_vectors];
};

__device__ Features load_features(const uint4* row, int part) {
  Features loaded;
#pragma unroll
  for (int i = 0; i < lane_vectors; ++i) {
    loaded.vectors[i] = load_once(row + part * lane_vectors + i);
  }
  return loaded;
}

__device__ void to_floats(const Features& loaded, float (&out)[lane_features]) {
#pragma unroll
  for (int i = 0; i < lane_vectors; ++i) {
    float eight[per_vector<Bf16>];
    widen_vector<Bf16>(loaded.vectors[i], eight);
#pragma unroll
    for (int j = 0; j < per_vector<Bf16>; ++j) out[i * per_vector<Bf16> + j] = eight[j];
  }
}

/// Sum over the lanes of a slot.
__device__ float slot_sum(float value, unsigned mask) {
#pragma unroll
  for (int distance = slot_lanes / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(mask, value, distance);
  }
  return value;
}

__global__ void __launch_bounds__(threads)
    attend_kernel(const uint4* __restrict__ keys, const uint4* __restrict__ values,
                  const std::uint16_t* __restrict__ queries, float* __restrict__ left,
                  std::size_t tokens, float scale) {
  const std::size_t row = blockIdx.y;
  const std::size_t per_split = (tokens + gridDim.x - 1) / gridDim.x;
  const std::size_t first = blockIdx.x * per_split;
  const std::size_t end = min(tokens, first + per_split);
  const int slot = static_cast<int>(threadIdx.x) / slot_lanes;
  const int part = static_cast<int>(threadIdx.x) % slot_lanes;
  const unsigned mask = 0xffU << (threadIdx.x % 32 / slot_lanes * slot_lanes);

  float query[group][lane_features];
  float sum[group][lane_features];
  float weight[group];
  float most[group];
#pragma unroll
  for (int head = 0; head < group; ++head) {
    weight[head] = 0;
    most[head] = -INFINITY;
#pragma unroll
    for (int i = 0; i < lane_features; ++i) {
      const std::size_t at = (row * group + head) * features + part * lane_features + i;
      query[head][i] = widen_element<Bf16>(queries[at]) * scale;
      sum[head][i] = 0;
    }
  }

  const uint4* const row_keys = keys + row * tokens * row_vectors;
  const uint4* const row_values = values + row * tokens * row_vectors;
  Features next_key{};
  Features next_value{};
  if (first + slot < end) {
    next_key = load_features(row_keys + (first + slot) * row_vectors, part);
    next_value = load_features(row_values + (first + slot) * row_vectors, part);
  }
  for (std::size_t token = first + slot; token < end; token += slots) {
    const Features key_here = next_key;
    const Features value_here = next_value;
    if (token + slots < end) {
      next_key = load_features(row_keys + (token + slots) * row_vectors, part);
      next_value = load_features(row_values + (token + slots) * row_vectors, part);
    }
    float unpacked[lane_features];
    float score[group];
    to_floats(key_here, unpacked);
#pragma unroll
    for (int head = 0; head < group; ++head) {
      float product = 0;
#pragma unroll
      for (int i = 0; i < lane_features; ++i) product += query[head][i] * unpacked[i];
      score[head] = slot_sum(product, mask);
    }
    to_floats(value_here, unpacked);
#pragma unroll
    for (int head = 0; head < group; ++head) {
      if (score[head] > most[head]) {
        const float shrink = exp2f(most[head] - score[head]);
        most[head] = score[head];
        weight[head] *= shrink;
#pragma unroll
        for (int i = 0; i < lane_features; ++i) sum[head][i] *= shrink;
      }
      const float share = exp2f(score[head] - most[head]);
      weight[head] += share;
#pragma unroll
      for (int i = 0; i < lane_features; ++i) sum[head][i] += share * unpacked[i];
    }
  }

  __shared__ float sums[slots][features];
  __shared__ float weights[slots];
  __shared__ float maxima[slots];
  for (int head = 0; head < group; ++head) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < lane_features; ++i) sums[slot][part * lane_features + i] = sum[head][i];
    if (part == 0) {
      weights[slot] = weight[head];
      maxima[slot] = most[head];
    }
    __syncthreads();
    float highest = -INFINITY;
    for (int other = 0; other < slots; ++other) highest = fmaxf(highest, maxima[other]);
    float total = 0;
    float all = 0;
    for (int other = 0; other < slots; ++other) {
      // A slot without tokens has a maximum of minus infinity, and so a factor of 0; so has every
      // slot of a split without any.
      const float factor = weights[other] > 0 ? exp2f(maxima[other] - highest) : 0.0F;
      total += factor * sums[other][threadIdx.x];
      all += factor * weights[other];
    }
    float* const mine = left + ((row * group + head) * gridDim.x + blockIdx.x) * left_floats;
    mine[threadIdx.x] = total;
    if (threadIdx.x == 0) {
      mine[features] = all;
      mine[features + 1] = highest;
    }
  }
}

__global__ void __launch_bounds__(features)
    put_together_kernel(const float* __restrict__ left, float* __restrict__ out, int splits) {
  const float* const mine = left + std::size_t{blockIdx.x} * splits * left_floats;
  float highest = -INFINITY;
  for (int split = 0; split < splits; ++split) {
    highest = fmaxf(highest, mine[split * left_floats + features + 1]);
  }
  float total = 0;
  float all = 0;
  for (int split = 0; split < splits; ++split) {
    const float* const one = mine + split * left_floats;
    const float factor = one[features] > 0 ? exp2f(one[features + 1] - highest) : 0.0F;
    total += factor * one[threadIdx.x];
    all += factor * one[features];
  }
  out[std::size_t{blockIdx.x} * features + threadIdx.x] = total / all;
}

}  // namespace

std::size_t attention_splits(const AttentionShape& shape) {
  static const int one_wave = resident_blocks(attend_kernel, threads);
  constexpr std::size_t least_tokens = 256;  // of a split: below, putting together takes longer
  const std::size_t wanted = std::max<std::size_t>(
      1, static_cast<std::size_t>(one_wave) / std::max<std::size_t>(1, shape.rows));
  return std::clamp<std::size_t>(shape.tokens / least_tokens, 1, wanted);
}

std::size_t attention_scratch_floats(const AttentionShape& shape, std::size_t splits) {
  return shape.rows * group * splits * left_floats;
}

void decode_attention(const std::uint16_t* keys, const std::uint16_t* values,
                      const std::uint16_t* queries, float* out, float* scratch,
                      const AttentionShape& shape, std::size_t splits, StreamHandle stream) {
  constexpr std::size_t most_rows = 65'535;
  if (!is_aligned(keys, sizeof(uint4)) || !is_aligned(values, sizeof(uint4)) || shape.rows == 0 ||
      shape.rows > most_rows || shape.tokens == 0 || splits == 0) {
    throw std::invalid_argument("decode_attention: needs rows, tokens and aligned caches");
  }
  // By powers of two, so that the exponential is the GPU's own.
  const float scale = static_cast<float>(1 / (std::sqrt(double{features}) * std::log(2.0)));
  const dim3 grid(grid_size(splits), static_cast<unsigned>(shape.rows));
  attend_kernel<<<grid, threads, 0, stream>>>(reinterpret_cast<const uint4*>(keys),
                                              reinterpret_cast<const uint4*>(values), queries,
                                              scratch, shape.tokens, scale);
  require_success(cudaGetLastError(), "decode_attention");
  put_together_kernel<<<grid_size(shape.rows * group), features, 0, stream>>>(
      scratch, out, static_cast<int>(splits));
  require_success(cudaGetLastError(), "decode_attention");
}

}  // namespace offload::kernels
