// SPDX-License-Identifier: Apache-2.0
// The owners of device and managed memory and the batches of calls: the same with CUDA and without.
#include <utility>

#include "offload/cuda/runtime.hpp"

namespace offload::cuda {

DeviceBuffer::DeviceBuffer(std::size_t bytes) : data_(malloc_device(bytes)), bytes_(bytes) {}

DeviceBuffer::~DeviceBuffer() {
  if (data_ != nullptr) free_device(data_);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

ManagedBuffer::ManagedBuffer(std::size_t bytes)
    : data_(static_cast<std::byte*>(malloc_managed(bytes))), bytes_(bytes) {}

ManagedBuffer::~ManagedBuffer() {
  if (data_ != nullptr) free_device(data_);
}

ManagedBuffer::ManagedBuffer(ManagedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

ManagedBuffer& ManagedBuffer::operator=(ManagedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void PrefetchBatch::add(const void* pointer, std::size_t size) {
  pointers.push_back(const_cast<void*>(pointer));  // as CUDA's arguments want it
  bytes.push_back(size);
}

void CopyBatch::add(void* destination, const void* source, std::size_t size) {
  to.push_back(destination);
  from.push_back(const_cast<void*>(source));
  bytes.push_back(size);
}

}  // namespace offload::cuda
