// SPDX-License-Identifier: Apache-2.0
// Prefetches of managed layers on a stream of their own, some layers ahead of the kernels.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "offload/cuda/runtime.hpp"
#include "offload/stream.hpp"

namespace offload {

class PrefetchAhead {
 public:
  struct Layer {
    std::size_t layer = 0;  // its number
    std::vector<std::pair<const std::byte*, std::size_t>> tensors;
  };

  explicit PrefetchAhead(std::size_t step) : step_(step) {}

  /// The layers of all passes to come, in order.
  void begin(std::vector<Layer> layers);
  /// Kernels enqueued on `stream` after this find layer `layer`, as far as it is resident by then,
  /// in GPU memory; the layer `step` further on is on its way from the moment these kernels start.
  void enter(std::size_t layer, StreamHandle stream);
  /// End of the pass.
  void finish(StreamHandle stream);

 private:
  void prefetch(std::size_t index);

  std::size_t step_;
  cuda::Stream prefetches_;
  cuda::Event entered_;
  std::vector<cuda::Event> done_;  // by layer
  std::vector<Layer> layers_;
  std::size_t next_ = 0;  // the layer of the pass that comes next
};

}  // namespace offload
