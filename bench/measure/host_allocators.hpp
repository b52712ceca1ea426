// SPDX-License-Identifier: Apache-2.0
// The ways to get host memory for weights, one tensor at a time.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "offload/platform.hpp"
#include "offload/support.hpp"

namespace offload {

struct TensorMemory {
  std::byte* data = nullptr;
  std::shared_ptr<const void> owner;  // frees it
};

struct HostAllocator {
  std::string name;      // as policies name their memory
  Support support;       // on this machine
  bool managed = false;  // may end up in GPU memory
  /// What its granule makes of so many bytes.
  std::function<std::size_t(std::size_t bytes)> rounded;
  std::function<TensorMemory(std::size_t bytes)> allocate;
};

/// All there are, in the order of a report. `platform` must outlive them.
std::vector<HostAllocator> host_allocators(const Platform& platform);

}  // namespace offload
