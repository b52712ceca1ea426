// SPDX-License-Identifier: Apache-2.0
// Prefetches of managed layers on a stream of their own, some layers ahead of the kernels.
#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "offload/cuda/runtime.hpp"
#include "offload/stream.hpp"

namespace offload {

class PrefetchAhead {
 public:
  explicit PrefetchAhead(std::size_t step) : step_(step) {}

  /// The passes to come read pieces of these layers, in this order; `tensors_of` gives the tensors
  /// of one.
  void begin(std::span<const std::size_t> layer_of_piece,
             const std::function<cuda::PrefetchBatch(std::size_t layer)>& tensors_of);
  /// Kernels enqueued on `stream` after this find the layer of piece `index`, as far as it is
  /// resident by then, in GPU memory; the layer `step` further on is on its way from the moment
  /// these kernels start. Every prefetch of a pass has been waited for when its last piece is
  /// acquired.
  void acquire(std::size_t index, StreamHandle stream);

 private:
  void prefetch(std::size_t visit);

  std::size_t step_;
  cuda::Stream prefetches_;
  cuda::Event entered_;
  // Visits: neighbouring pieces of one layer.
  std::vector<std::size_t> visit_of_piece_;
  std::vector<cuda::PrefetchBatch> visits_;
  std::vector<cuda::Event> done_;  // by visit
};

}  // namespace offload
