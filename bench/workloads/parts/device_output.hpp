// SPDX-License-Identifier: Apache-2.0
// What a workload's kernels write on the GPU; empty, and a no-op everywhere, without one.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "offload/cuda/runtime.hpp"

namespace offload {

template <typename T>
class DeviceOutput {
 public:
  DeviceOutput(std::size_t count, bool gpu) : count_(gpu ? count : 0) {
    if (count_ != 0) buffer_ = cuda::DeviceBuffer(count_ * sizeof(T));
  }

  /// Element `index` in device memory, for a kernel to write.
  T* device(std::size_t index) const {
    if (index >= count_) throw std::logic_error("a GPU view for a workload bound without a GPU");
    return static_cast<T*>(buffer_.data()) + index;
  }
  /// Every byte becomes `pattern`; complete on return.
  void poison(unsigned char pattern, StreamHandle stream) {
    if (count_ == 0) return;
    cuda::memset_async(buffer_.data(), pattern, buffer_.bytes(), stream);
    cuda::stream_synchronize(stream);
  }
  /// A copy in host memory; empty without a GPU.
  std::vector<T> fetch(StreamHandle stream) const {
    std::vector<T> out(count_);
    if (count_ != 0) {
      cuda::memcpy_async(out.data(), buffer_.data(), buffer_.bytes(), stream);
      cuda::stream_synchronize(stream);
    }
    return out;
  }

 private:
  std::size_t count_;
  cuda::DeviceBuffer buffer_;
};

}  // namespace offload
