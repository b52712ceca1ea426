// SPDX-License-Identifier: Apache-2.0
// Y = X W^T for weights that are dear to read: blocks of tokens that need the same tile of W form a
// cluster, and one load hands the tile to all of them (TMA multicast). Where one cluster does not
// cover the tokens, a second follows it and reads what the first has left in GPU memory. Compute
// capability 9.0.
#pragma once
#include <array>
#include <cstddef>

#include "offload/dtype.hpp"
#include "offload/platform.hpp"
#include "offload/stream.hpp"
#include "offload/support.hpp"
#include "offload/weights.hpp"

namespace offload::kernels {

/// Who shares what is read for a product of `tokens`: the fewest blocks of a cluster that cover
/// them, else as many as the hardware joins, and a second cluster behind the first.
struct ReadOnceShape {
  static constexpr std::size_t block_tokens = 256;
  static constexpr std::size_t most_blocks = 16;

  std::size_t blocks = 1;    // of a cluster
  std::size_t clusters = 1;  // that share: 1, or 2
  std::size_t reads = 1;     // of each byte of W where it lies

  static constexpr ReadOnceShape of(std::size_t tokens) {
    ReadOnceShape shape;
    while (shape.blocks < most_blocks && shape.blocks * block_tokens < tokens) shape.blocks *= 2;
    if (shape.blocks * block_tokens < tokens) shape.clusters = 2;
    const std::size_t at_once = shape.clusters * shape.blocks * block_tokens;
    if (tokens > 0) shape.reads = (tokens + at_once - 1) / at_once;
    return shape;
  }
};

class ReadOnceGemm {
 public:
  /// What the driver describes tensors to TMA by; the caller looks it up.
  static constexpr const char* encoder = "cuTensorMapEncodeTiled";

  explicit ReadOnceGemm(void* encoder);  // of the current device

  /// y[tokens, ld_y] = x[tokens, cols] w[rows, cols]^T, all row-major, bf16 or fp16, fp32
  /// accumulation; of each row of y the first `rows` values are written. w, x and y at multiples of
  /// 16 bytes, cols of 8 and rows and ld_y of 2 values. Neither allocates nor waits. `workspace` is
  /// device memory, of one stream at a time.
  void launch(const void* w, DType dtype, std::size_t rows, std::size_t cols, const void* x,
              std::size_t tokens, void* y, std::size_t ld_y, void* workspace,
              StreamHandle stream) const;
  /// Of the workspace for products of at most `tokens`.
  static std::size_t workspace_bytes(std::size_t tokens);

  /// Whether the GPU and this binary can multiply `tensor` so.
  static Support supports(const Platform& platform, const WeightTensor& tensor);

 private:
  void* encode_;
  std::array<int, 5> clusters_{};  // that run at once, of 1, 2, 4, 8 and 16 blocks
};

}  // namespace offload::kernels
