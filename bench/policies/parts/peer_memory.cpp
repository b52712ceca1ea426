// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/peer_memory.hpp"

#include <stdexcept>

#include "offload/cuda/runtime.hpp"

namespace offload {
namespace {

int number_of_serving_peer(const Platform& platform) {
  const Peer* const peer = serving_peer(platform);
  if (peer == nullptr) throw std::logic_error("there is no GPU that could serve");
  return peer->index;
}

}  // namespace

PeerMemory::PeerMemory(std::size_t bytes, const Platform& platform)
    : memory_(bytes, number_of_serving_peer(platform)) {}

void PeerMemory::write(std::size_t offset, std::span<const std::byte> content) const {
  cuda::memcpy_async(data() + offset, content.data(), content.size(), nullptr);
  cuda::stream_synchronize(nullptr);
}

void PeerMemory::read(const std::byte* from, std::span<std::byte> out) const {
  cuda::memcpy_async(out.data(), from, out.size(), nullptr);
  cuda::stream_synchronize(nullptr);
}

}  // namespace offload
