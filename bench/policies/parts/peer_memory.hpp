// SPDX-License-Identifier: Apache-2.0
// Weights in memory of another GPU of this host. Nothing of it is the CPU's.
#pragma once
#include <cstddef>
#include <span>
#include <utility>

#include "offload/cuda/peer.hpp"
#include "offload/policy.hpp"

namespace offload {

class PeerMemory {
 public:
  PeerMemory(std::size_t bytes, const Platform& platform);

  static constexpr std::size_t Footprint::*counts_as = &Footprint::peer;

  std::byte* data() const { return memory_.data(); }
  const std::byte* on_gpu() const { return memory_.data(); }
  std::size_t bytes() const { return memory_.bytes(); }
  void write(std::size_t offset, std::span<const std::byte> content) const;
  void read(const std::byte* from, std::span<std::byte> out) const;

 private:
  cuda::PeerBuffer memory_;
};

}  // namespace offload
