// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/cpu_time.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "bench/core/files.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

// As the kernel modules nvidia-uvm and nvidia name them.
constexpr std::array<std::string_view, 3> prefixes{"UVM ", "nvidia", "nv_queue"};

bool of_the_driver(std::string_view name) {
  // Interrupt threads carry the name of their driver behind a number.
  if (name.substr(0, 4) == "irq/") return name.find("nvidia") != std::string_view::npos;
  return std::any_of(prefixes.begin(), prefixes.end(), [name](std::string_view prefix) {
    return name.substr(0, prefix.size()) == prefix;
  });
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char digit) { return digit >= '0' && digit <= '9'; });
}

/// A kernel thread has no command line; a program of the same name has.
bool is_kernel_thread(const fs::path& folder) { return read_text(folder / "cmdline").empty(); }

/// From schedstat, in nanoseconds, where the kernel keeps it; else from stat, in clock ticks.
double run_seconds(const fs::path& folder) {
  const std::string schedstat = read_text(folder / "schedstat");
  if (const auto nanoseconds = leading_number(schedstat)) {
    return 1e-9 * static_cast<double>(*nanoseconds);
  }
  const std::string stat = read_text(folder / "stat");
  const std::size_t name_end = stat.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  constexpr int before_utime = 11;  // fields 3 to 13
  std::string skipped;
  for (int i = 0; i < before_utime; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

DriverThreads::DriverThreads(const fs::path& root) {
  std::error_code error;
  for (fs::directory_iterator entry(root / "proc", error), end; !error && entry != end;
       entry.increment(error)) {
    if (!is_number(entry->path().filename().string())) continue;
    const std::string text = read_text(entry->path() / "comm");
    const std::string name(trimmed(text));
    if (of_the_driver(name) && is_kernel_thread(entry->path())) {
      threads_.push_back({name, entry->path()});
    }
  }
  std::sort(threads_.begin(), threads_.end(), [](const Thread& a, const Thread& b) {
    return std::pair(a.name, a.folder) < std::pair(b.name, b.folder);
  });
}

std::vector<double> DriverThreads::seconds() const {
  std::vector<double> all;
  all.reserve(threads_.size());
  for (const Thread& thread : threads_) all.push_back(run_seconds(thread.folder));
  return all;
}

std::vector<std::string> DriverThreads::names() const {
  std::vector<std::string> all;
  all.reserve(threads_.size());
  for (const Thread& thread : threads_) all.push_back(thread.name);
  return all;
}

ProcessUsage process_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), static_cast<double>(usage.ru_minflt),
          static_cast<double>(usage.ru_majflt)};
}

}  // namespace offload
