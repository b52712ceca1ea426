// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/core/files.hpp"
#include "bench/platform/numa.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

/// The files of one version of the memory controller.
struct Controller {
  fs::path mount;
  const char* limit;
  const char* usage;
  std::string_view active_file;  // keys of memory.stat, descendants included
  std::string_view inactive_file;
};

struct Membership {
  Controller controller;
  fs::path group;  // relative to the mount
};

bool lists_memory(std::string_view controllers) {
  const std::string padded = "," + std::string(controllers) + ",";
  return padded.find(",memory,") != std::string::npos;
}

/// From /proc/self/cgroup, whose lines read "hierarchy:controllers:path". A hybrid machine has
/// lines of both versions; its memory controller is then the version 1 one.
std::vector<Membership> memberships(const fs::path& root) {
  const std::string text = read_text(root / "proc/self/cgroup");
  std::vector<Membership> found;
  for (const auto line : lines_of(text)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = fs::path(trimmed(line.substr(second + 1))).relative_path();
    if (lists_memory(controllers)) {
      found.push_back({{root / "sys/fs/cgroup/memory", "memory.limit_in_bytes",
                        "memory.usage_in_bytes", "total_active_file", "total_inactive_file"},
                       group});
    } else if (controllers.empty()) {
      found.push_back(
          {{root / "sys/fs/cgroup", "memory.max", "memory.current", "active_file", "inactive_file"},
           group});
    }
  }
  return found;
}

std::optional<CgroupMemory> read_group(const Controller& controller, const fs::path& group) {
  const fs::path directory = controller.mount / group;
  const auto limit = leading_number(read_text(directory / controller.limit));  // not of "max"
  // Version 1 spells "no limit" as the largest page-aligned value.
  constexpr std::size_t unlimited = std::size_t{1} << 62;
  if (!limit || *limit >= unlimited) return std::nullopt;

  const std::size_t usage = leading_number(read_text(directory / controller.usage)).value_or(0);
  const std::string stat = read_text(directory / "memory.stat");
  const std::size_t cache = leading_number(value_of(stat, controller.active_file)).value_or(0) +
                            leading_number(value_of(stat, controller.inactive_file)).value_or(0);
  return CgroupMemory{*limit, usage > cache ? usage - cache : 0};
}

std::size_t left(const CgroupMemory& memory) {
  return memory.limit > memory.used ? memory.limit - memory.used : 0;
}

}  // namespace

std::optional<CgroupMemory> read_cgroup_memory(const fs::path& root) {
  std::optional<CgroupMemory> tightest;
  for (const auto& [controller, own_group] : memberships(root)) {
    // Inside a container the own path may name groups that are not mounted here; the walk up then
    // finds the container's group as the root of the mount.
    for (fs::path group = own_group;; group = group.parent_path()) {
      const auto memory = read_group(controller, group);
      if (memory && (!tightest || left(*memory) < left(*tightest))) tightest = memory;
      if (group.empty()) break;
    }
  }
  return tightest;
}

bool cgroup_limit_is_known(const fs::path& root) {
  bool seen = false;
  for (const auto& [controller, own_group] : memberships(root)) {
    for (fs::path group = own_group;; group = group.parent_path()) {
      const fs::path file = controller.mount / group / controller.limit;
      std::error_code ignored;
      if (!read_text(file).empty()) {
        seen = true;
      } else if (fs::exists(file, ignored)) {
        return false;
      }
      if (group.empty()) break;
    }
    // The root of version 2 has no such file, and sets no limit.
    seen = seen || !read_text(controller.mount / "cgroup.controllers").empty();
  }
  return seen;
}

std::optional<std::size_t> read_cgroup_usage(const fs::path& root) {
  for (const auto& [controller, own_group] : memberships(root)) {
    for (fs::path group = own_group;; group = group.parent_path()) {
      const auto usage = leading_number(read_text(controller.mount / group / controller.usage));
      if (usage) return usage;
      if (group.empty()) break;
    }
  }
  return std::nullopt;
}

namespace {

/// Pages that each CPU keeps for its next allocation. The kernel counts them as used, although
/// nobody uses them, and since Linux 6.7 keeps hundreds of MiB so for a minute after a large free.
std::size_t kept_by_cpus(std::string_view zoneinfo, const std::vector<int>& left_out) {
  std::size_t pages = 0;
  bool counts = true;
  for (const auto line : lines_of(zoneinfo)) {
    if (const auto node = leading_number(value_of(line, "Node"))) {
      counts = std::ranges::find(left_out, static_cast<int>(*node)) == left_out.end();
    }
    if (counts) pages += leading_number(value_of(trimmed(line), "count")).value_or(0);
  }
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::size_t> available(const std::filesystem::path& root,
                                     const std::vector<int>& left_out) {
  auto bytes = kib_of(read_text(root / "proc/meminfo"), "MemAvailable");
  if (!bytes) return std::nullopt;
  for (const int node : left_out) *bytes -= std::min(*bytes, read_node_available(root, node));
  return *bytes + kept_by_cpus(read_text(root / "proc/zoneinfo"), left_out);
}

}  // namespace

MemoryUse read_memory_use(const std::filesystem::path& root, const std::vector<int>& left_out) {
  return {available(root, left_out), kib_of(read_text(root / "proc/self/status"), "VmRSS"),
          read_cgroup_usage(root)};
}

}  // namespace offload
