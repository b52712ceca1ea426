// SPDX-License-Identifier: Apache-2.0
// The memory limit a control group (version 1 or 2) sets for this process.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>

namespace offload {

struct CgroupMemory {
  std::size_t limit = 0;
  std::size_t used = 0;  // page cache that can be reclaimed is not counted
};

/// Of all groups from the process's own up to the root, the one with the least memory left; nullopt
/// when none sets a limit. `root` is "/" on a real machine.
std::optional<CgroupMemory> read_cgroup_memory(const std::filesystem::path& root);

/// What the process's own group is charged in all, page cache included; of the nearest group above
/// it that can be seen from here where its own cannot. nullopt when there is none.
std::optional<std::size_t> read_cgroup_usage(const std::filesystem::path& root);

}  // namespace offload
