// SPDX-License-Identifier: Apache-2.0
// Stands in for peer.cpp where there is no CUDA Toolkit.
#include "offload/cuda/peer.hpp"
#include "offload/error.hpp"

namespace offload::cuda {

bool can_access_peer(int, int) { return false; }

PeerBuffer::PeerBuffer(std::size_t, int) {
  throw CudaError("no GPU work is possible: built without CUDA", false, false);
}
PeerBuffer::~PeerBuffer() {}
PeerBuffer::PeerBuffer(PeerBuffer&&) noexcept {}

}  // namespace offload::cuda
