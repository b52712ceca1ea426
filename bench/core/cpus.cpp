// SPDX-License-Identifier: Apache-2.0
#include "bench/core/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string>

namespace offload::host {
namespace {

std::optional<double> parse_number(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return std::nullopt;
  text.remove_prefix(first);
  long long value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return static_cast<double>(value);
}

std::optional<double> ratio(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<double> tighter(std::optional<double> a, std::optional<double> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

/// Tightest of `read(directory)` from mount/path up to the mount itself. In a container the path
/// may name a directory of the host that is not there; its missing files then read as no limit.
template <typename Read>
std::optional<double> tightest_upwards(const std::filesystem::path& mount, std::string_view path,
                                       Read read) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  std::optional<double> quota = read(mount);
  auto directory = mount;
  for (const auto& part : std::filesystem::path(path)) {
    directory /= part;
    quota = tighter(quota, read(directory));
  }
  return quota;
}

bool lists_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const auto comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    if (comma == std::string_view::npos) break;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::vector<int> affinity_cpus() {
  // The kernel refuses a set smaller than its own (EINVAL): grow until it fits.
  for (int capacity = CPU_SETSIZE; capacity <= 64 * CPU_SETSIZE; capacity *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(capacity));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(capacity));
    CPU_ZERO_S(bytes, set);
    std::vector<int> cpus;
    const bool read = sched_getaffinity(0, bytes, set) == 0;
    const bool too_small = !read && errno == EINVAL;
    for (int cpu = 0; read && cpu < capacity; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set)) cpus.push_back(cpu);
    }
    CPU_FREE(set);
    if (!cpus.empty()) return cpus;
    if (!too_small) break;
  }
  return {0};
}

int run_on(std::span<const int> cpus) {
  const auto capacity = static_cast<std::size_t>(*std::ranges::max_element(cpus)) + 1;
  cpu_set_t* set = CPU_ALLOC(capacity);
  if (set == nullptr) return ENOMEM;
  const std::size_t bytes = CPU_ALLOC_SIZE(capacity);
  CPU_ZERO_S(bytes, set);
  for (const int cpu : cpus) CPU_SET_S(static_cast<std::size_t>(cpu), bytes, set);
  const int error = sched_setaffinity(0, bytes, set) == 0 ? 0 : errno;
  CPU_FREE(set);
  return error;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return ratio(parse_number(text.substr(0, space)), parse_number(text.substr(space)));
}

std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period) {
  return ratio(parse_number(quota), parse_number(period));
}

std::optional<double> cgroup_cpu_quota(const std::filesystem::path& membership,
                                       const std::filesystem::path& mount) {
  // Lines are "id:controllers:path"; v2 is the line with no controllers.
  std::optional<double> quota;
  std::ifstream in(membership);
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view view = line;
    const auto controllers = view.substr(first + 1, second - first - 1);
    const auto path = view.substr(second + 1);
    if (controllers.empty()) {
      quota = tighter(quota, tightest_upwards(mount, path, [](const auto& directory) {
                        return parse_cpu_max(first_line(directory / "cpu.max"));
                      }));
    } else if (lists_cpu(controllers)) {
      quota = tighter(quota, tightest_upwards(mount / "cpu", path, [](const auto& directory) {
                        return parse_cfs_quota(first_line(directory / "cpu.cfs_quota_us"),
                                               first_line(directory / "cpu.cfs_period_us"));
                      }));
    }
  }
  return quota;
}

std::size_t thread_count(std::size_t cpus, std::optional<double> quota) {
  const std::size_t limit = std::max<std::size_t>(cpus, 1);
  if (!quota || *quota >= static_cast<double>(limit)) return limit;
  return std::max<std::size_t>(static_cast<std::size_t>(std::floor(*quota)), 1);
}

}  // namespace offload::host
