// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/prefetch_ahead.hpp"

#include <algorithm>

namespace offload {

void PrefetchAhead::begin(std::span<const std::size_t> layer_of_piece,
                          const std::function<cuda::PrefetchBatch(std::size_t)>& tensors_of) {
  cuda::stream_synchronize(prefetches_);
  visit_of_piece_.clear();
  visits_.clear();
  for (std::size_t i = 0; i < layer_of_piece.size(); ++i) {
    if (i == 0 || layer_of_piece[i] != layer_of_piece[i - 1]) {
      visits_.push_back(tensors_of(layer_of_piece[i]));
    }
    visit_of_piece_.push_back(visits_.size() - 1);
  }
  done_ = std::vector<cuda::Event>(visits_.size());
}

void PrefetchAhead::prefetch(std::size_t visit) {
  cuda::mem_prefetch_batch_async(visits_[visit], cuda::Processor::gpu, prefetches_);
  done_[visit].record(prefetches_);
}

void PrefetchAhead::acquire(std::size_t index, StreamHandle stream) {
  const std::size_t visit = visit_of_piece_[index];
  if (index > 0 && visit_of_piece_[index - 1] == visit) return;  // waited for by an earlier piece
  entered_.record(stream);
  entered_.block(prefetches_);
  const std::size_t from = visit == 0 ? 0 : visit + step_;
  const std::size_t end = std::min(visit + step_ + 1, visits_.size());
  for (std::size_t i = from; i < end; ++i) prefetch(i);
  done_[visit].block(stream);
}

}  // namespace offload
