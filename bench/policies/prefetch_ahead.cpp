// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/prefetch_ahead.hpp"

#include <algorithm>

namespace offload {

void PrefetchAhead::begin(std::vector<Layer> layers) {
  cuda::stream_synchronize(prefetches_);
  layers_ = std::move(layers);
  done_ = std::vector<cuda::Event>(layers_.size());
  next_ = 0;
}

void PrefetchAhead::prefetch(std::size_t index) {
  for (const auto& [data, bytes] : layers_[index].tensors) {
    cuda::mem_prefetch_async(data, bytes, cuda::Processor::gpu, prefetches_);
  }
  done_[index].record(prefetches_);
}

void PrefetchAhead::enter(std::size_t layer, StreamHandle stream) {
  if (next_ > 0 && layers_[next_ - 1].layer == layer) return;  // entered with an earlier tensor
  entered_.record(stream);
  entered_.block(prefetches_);
  const std::size_t from = next_ == 0 ? 0 : next_ + step_;
  const std::size_t end = std::min(next_ + step_ + 1, layers_.size());
  for (std::size_t i = from; i < end; ++i) prefetch(i);
  done_[next_].block(stream);
  ++next_;
}

void PrefetchAhead::finish(StreamHandle) {
  // Every layer prefetched has been waited for.
  next_ = 0;
}

}  // namespace offload
