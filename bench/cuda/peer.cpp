// SPDX-License-Identifier: Apache-2.0
#include "offload/cuda/peer.hpp"

#include <cuda_runtime_api.h>

#include <string>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/cuda/check.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/error.hpp"

namespace offload::cuda {
namespace {

int device_in_use() {
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

/// Another GPU is the current one until the end of the scope.
class CurrentPeer {
 public:
  explicit CurrentPeer(int peer) : before_(device_in_use()) { set_device(peer); }
  ~CurrentPeer() { forget(cudaSetDevice(before_)); }
  CurrentPeer(const CurrentPeer&) = delete;
  CurrentPeer& operator=(const CurrentPeer&) = delete;

 private:
  int before_;
};

/// Once per process and pair; there is no harm in asking again.
void enable_access_to(int peer) {
  const cudaError_t enabled = cudaDeviceEnablePeerAccess(peer, 0);
  if (enabled == cudaErrorPeerAccessAlreadyEnabled) {
    forget(enabled);
  } else if (enabled != cudaSuccess) {
    fail(enabled, "cudaDeviceEnablePeerAccess of GPU " + std::to_string(peer));
  }
}

void* malloc_on(int peer, std::size_t bytes) {
  const CurrentPeer current(peer);
  // On some systems cudaMalloc of too much is slow to fail, and what is left belongs to others.
  if (const std::size_t free = mem_get_info().free; bytes > free) {
    throw CudaError("GPU " + std::to_string(peer) + ", whose memory is to serve, has " +
                        format_size_rounded(free) + " free and " + format_size_rounded(bytes) +
                        " are needed; free some or choose smaller weights",
                    false, true);
  }
  return malloc_device(bytes);
}

}  // namespace

bool can_access_peer(int from, int other) {
  int can = 0;
  const cudaError_t asked = cudaDeviceCanAccessPeer(&can, from, other);
  forget(asked);
  return asked == cudaSuccess && can != 0;
}

PeerBuffer::PeerBuffer(std::size_t bytes, int peer) : bytes_(bytes) {
  if (peer != device_in_use()) enable_access_to(peer);
  data_ = static_cast<std::byte*>(malloc_on(peer, bytes));
}
PeerBuffer::~PeerBuffer() {
  if (data_ != nullptr) free_device(data_);
}
PeerBuffer::PeerBuffer(PeerBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

}  // namespace offload::cuda
