// SPDX-License-Identifier: Apache-2.0
// Host memory: the limit that a control group (version 1 or 2) sets for this process, and how much
// is in use now, by three accounts that need not agree: pages that a driver allocates are missing
// from the machine's free memory, but not always in the process's account.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

namespace offload {

struct CgroupMemory {
  std::size_t limit = 0;
  std::size_t used = 0;  // page cache that can be reclaimed is not counted
};

/// Of all groups from the process's own up to the root, the one with the least memory left; nullopt
/// when none sets a limit. `root` is "/" on a real machine.
std::optional<CgroupMemory> read_cgroup_memory(const std::filesystem::path& root);

/// Whether read_cgroup_memory()'s nullopt means that there is no limit: false where no group shows
/// one, or one cannot be read.
bool cgroup_limit_is_known(const std::filesystem::path& root);

/// What the process's own group is charged in all, page cache included; of the nearest group above
/// it that can be seen from here where its own cannot. nullopt when there is none.
std::optional<std::size_t> read_cgroup_usage(const std::filesystem::path& root);

/// In bytes; nullopt where it cannot be read.
struct MemoryUse {
  std::optional<std::size_t> available;  // MemAvailable, and free pages that each CPU keeps
  std::optional<std::size_t> resident;   // VmRSS: of this process
  std::optional<std::size_t> charged;    // to this process's control group
};

/// `root` is "/" on a real machine. `left_out`: the nodes that are memory of a GPU, which the
/// machine's account counts as the host's.
MemoryUse read_memory_use(const std::filesystem::path& root, const std::vector<int>& left_out);

}  // namespace offload
