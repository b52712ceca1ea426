// SPDX-License-Identifier: Apache-2.0
// Who else uses the host, read from /proc. `root` is "/" on a real machine.
#pragma once
#include <filesystem>
#include <optional>
#include <span>

namespace offload {

/// Since boot, of several CPUs together, in seconds.
struct CpuTimes {
  double busy = 0;   // in programs, the kernel and interrupts; neither idle nor waiting for a disk
  double steal = 0;  // a program was ready, and the hypervisor ran another machine
};
/// Of the CPUs with these numbers, by proc/stat; nullopt where it has none of them, or counts
/// nothing, as in some sandboxes.
std::optional<CpuTimes> read_cpu_times(const std::filesystem::path& root,
                                       std::span<const int> cpus);

/// Threads that ran or waited for a CPU, mean of the last minute.
std::optional<double> read_load_average(const std::filesystem::path& root);

/// Mean clock of the CPUs with these numbers, by proc/cpuinfo or else cpufreq; nullopt where
/// neither says.
std::optional<double> read_cpu_mhz(const std::filesystem::path& root, std::span<const int> cpus);

}  // namespace offload
