// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/memory_use.hpp"

#include <unistd.h>

#include <string_view>

#include "bench/platform/cgroup.hpp"
#include "bench/platform/files.hpp"

namespace offload {
namespace {

/// Pages that each CPU keeps for its next allocation. The kernel counts them as used, although
/// nobody uses them, and since Linux 6.7 keeps hundreds of MiB so for a minute after a large free.
std::size_t kept_by_cpus(std::string_view zoneinfo) {
  std::size_t pages = 0;
  for (const auto line : lines_of(zoneinfo)) {
    pages += leading_number(value_of(trimmed(line), "count")).value_or(0);
  }
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::size_t> available(const std::filesystem::path& root) {
  auto bytes = kib_of(read_text(root / "proc/meminfo"), "MemAvailable");
  if (bytes) *bytes += kept_by_cpus(read_text(root / "proc/zoneinfo"));
  return bytes;
}

}  // namespace

MemoryUse read_memory_use(const std::filesystem::path& root) {
  return {available(root), kib_of(read_text(root / "proc/self/status"), "VmRSS"),
          read_cgroup_usage(root)};
}

}  // namespace offload
