// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/host_load.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "bench/core/files.hpp"

namespace offload {
namespace {

bool contains(std::span<const int> cpus, std::optional<std::size_t> cpu) {
  return cpu && std::ranges::any_of(cpus, [&](int one) {
           return one >= 0 && static_cast<std::size_t>(one) == *cpu;
         });
}

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// The next number of "12 34 56", taken off its front; 0 where there is none.
double next_number(std::string_view& text) {
  text = trimmed(text);
  const auto number = leading_number(text);
  text.remove_prefix(std::min(text.find(' '), text.size()));
  return static_cast<double>(number.value_or(0));
}

}  // namespace

std::optional<CpuTimes> read_cpu_times(const std::filesystem::path& root,
                                       std::span<const int> cpus) {
  constexpr std::string_view prefix = "cpu";
  const std::string stat = read_text(root / "proc/stat");
  double busy = 0;
  double steal = 0;
  double all = 0;
  for (const auto line : lines_of(stat)) {
    if (!line.starts_with(prefix)) continue;
    std::string_view rest = line.substr(prefix.size());
    if (!contains(cpus, leading_number(rest))) continue;  // the sum of all has no number
    next_number(rest);
    const double user = next_number(rest);  // what guests run is in it
    const double nice = next_number(rest);
    const double system = next_number(rest);
    const double idle = next_number(rest);
    const double io_wait = next_number(rest);
    const double irq = next_number(rest);
    const double softirq = next_number(rest);
    steal += next_number(rest);
    busy += user + nice + system + irq + softirq;
    all += user + nice + system + irq + softirq + idle + io_wait;
  }
  if (all <= 0) return std::nullopt;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  return CpuTimes{busy / ticks_per_second, steal / ticks_per_second};
}

std::optional<double> read_load_average(const std::filesystem::path& root) {
  return decimal(read_text(root / "proc/loadavg"));
}

std::optional<double> read_cpu_mhz(const std::filesystem::path& root, std::span<const int> cpus) {
  double sum = 0;
  int count = 0;
  std::optional<std::size_t> cpu;
  const std::string cpuinfo = read_text(root / "proc/cpuinfo");
  for (const auto line : lines_of(cpuinfo)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto value = trimmed(line.substr(colon + 1));
    if (line.starts_with("processor")) cpu = exact_number(value);
    if (!line.starts_with("cpu MHz") || !contains(cpus, cpu)) continue;
    if (const auto mhz = decimal(value)) {
      sum += *mhz;
      ++count;
    }
  }
  if (count > 0) return sum / count;
  for (const int one : cpus) {
    const auto khz =
        exact_number(read_text(root / "sys/devices/system/cpu" / ("cpu" + std::to_string(one)) /
                               "cpufreq/scaling_cur_freq"));
    if (!khz) continue;
    sum += 1e-3 * static_cast<double>(*khz);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace offload
