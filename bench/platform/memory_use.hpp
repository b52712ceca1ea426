// SPDX-License-Identifier: Apache-2.0
// How much host memory is in use now, by three accounts that need not agree: pages that a driver
// allocates are missing from the machine's free memory, but not always in the process's account.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>

namespace offload {

/// In bytes; nullopt where it cannot be read.
struct MemoryUse {
  std::optional<std::size_t> available;  // MemAvailable, and free pages that each CPU keeps
  std::optional<std::size_t> resident;   // VmRSS: of this process
  std::optional<std::size_t> charged;    // to this process's control group
};

/// `root` is "/" on a real machine.
MemoryUse read_memory_use(const std::filesystem::path& root);

}  // namespace offload
