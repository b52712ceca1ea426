// SPDX-License-Identifier: Apache-2.0
// What a GPU can do with host memory, as the driver's device attributes tell it.
#pragma once
#include <functional>
#include <optional>

#include "offload/platform.hpp"

namespace offload {

/// The value of a CUdevice_attribute by its number; nullopt where the driver does not know it or
/// answers with an error.
using DeviceAttributes = std::function<std::optional<int>(int number)>;

/// All but batched_copies, which no attribute tells.
MemoryModel read_memory_model(const DeviceAttributes& attribute);

}  // namespace offload
