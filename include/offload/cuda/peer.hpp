// SPDX-License-Identifier: Apache-2.0
// Memory of another GPU of this host, which the current one reads. Throws CudaError, as runtime.hpp
// does; with it the current device of the thread is the same before and after.
#pragma once
#include <cstddef>

namespace offload::cuda {

/// Whether the GPU `from` could read memory of `other`; false where the driver cannot say.
bool can_access_peer(int from, int other);

/// Owns memory of GPU `peer` that the current device can read and write; `peer` may be itself.
class PeerBuffer {
 public:
  /// Throws, too, where the peer has less free.
  PeerBuffer(std::size_t bytes, int peer);
  ~PeerBuffer();
  PeerBuffer(PeerBuffer&& other) noexcept;
  PeerBuffer(const PeerBuffer&) = delete;
  PeerBuffer& operator=(const PeerBuffer&) = delete;
  PeerBuffer& operator=(PeerBuffer&&) = delete;
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace offload::cuda
