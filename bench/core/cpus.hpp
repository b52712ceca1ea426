// SPDX-License-Identifier: Apache-2.0
// Which CPUs this process may compute on, and how many of them at once.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace offload::host {

/// CPU numbers of the affinity mask, ascending; {0} when it cannot be read.
std::vector<int> affinity_cpus();

/// From now on this thread and those it starts run on these CPUs alone; returns 0 or an errno.
int run_on(std::span<const int> cpus);

/// CPUs' worth of time a cgroup v2 `cpu.max` ("150000 100000") grants; nullopt for "max" or
/// anything unreadable.
std::optional<double> parse_cpu_max(std::string_view text);
/// The same for cgroup v1: cpu.cfs_quota_us (-1: no limit) and cpu.cfs_period_us.
std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period);
/// The tightest quota on the way from this process's cgroup to the root of the hierarchy.
std::optional<double> cgroup_cpu_quota(
    const std::filesystem::path& membership = "/proc/self/cgroup",
    const std::filesystem::path& mount = "/sys/fs/cgroup");

/// How many threads `cpus` CPUs under `quota` keep busy: the quota is rounded down, because one
/// thread too many makes the scheduler stop them all for the rest of each period, in mid-pass.
std::size_t thread_count(std::size_t cpus, std::optional<double> quota);

}  // namespace offload::host
