// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/counters.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "bench/core/files.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

// As the kernel modules nvidia-uvm and nvidia name them.
constexpr std::array<std::string_view, 3> prefixes{"UVM ", "nvidia", "nv_queue"};

bool of_the_driver(std::string_view name) {
  // Interrupt threads carry a number, then the name of their driver.
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

// Numbers of nvml.h.
constexpr unsigned int pcie_tx_bytes = 197;  // the GPU sends
constexpr unsigned int pcie_rx_bytes = 198;  // the GPU receives
constexpr unsigned int clock_sm = 1;
constexpr unsigned int clock_memory = 2;

constexpr double request_bytes = 24;
constexpr double completion_overhead = 20;
// Of payload: the driver copies in larger ones.
constexpr double smallest_completion = 128;
// What the driver itself reads meanwhile (commands, page tables) may be as much as this.
constexpr double aside_bytes = 1e6;

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

GpuCounters::GpuCounters(const std::string& pci_bus_id) {
  if (pci_bus_id.empty()) {
    reason_ = "no GPU";
  } else if (!library_.ready()) {
    reason_ = "libnvidia-ml.so.1 (NVML) cannot be opened";
  } else {
    device_ = library_.device(pci_bus_id);
    if (device_ == nullptr) reason_ = "NVML does not know the GPU at " + pci_bus_id;
  }
}

std::optional<GpuCounters::Wire> GpuCounters::wire() const {
  if (!available()) return std::nullopt;
  const auto received = library_.field(device_, pcie_rx_bytes);
  const auto sent = library_.field(device_, pcie_tx_bytes);
  if (!received || !sent) return std::nullopt;
  return Wire{static_cast<std::uint32_t>(*received), static_cast<std::uint32_t>(*sent)};
}

std::optional<double> GpuCounters::joules() const {
  if (!available()) return std::nullopt;
  const auto get = library_.function<int(nvml::Device, unsigned long long*)>(
      "nvmlDeviceGetTotalEnergyConsumption");
  unsigned long long millijoules = 0;
  if (get == nullptr || get(device_, &millijoules) != nvml::success) return std::nullopt;
  return 1e-3 * static_cast<double>(millijoules);
}

void GpuCounters::note_before(GpuState& state) const {
  if (!available()) return;
  state.sm_mhz_before = clock(clock_sm);
  state.memory_mhz_before = clock(clock_memory);
  state.throttled_before = throttle_reasons();
}

void GpuCounters::note_after(GpuState& state) const {
  if (!available()) return;
  state.pcie_generation = library_.number("nvmlDeviceGetCurrPcieLinkGeneration", device_);
  state.pcie_width = library_.number("nvmlDeviceGetCurrPcieLinkWidth", device_);
  if (const auto links = library_.active_c2c_links(device_)) {
    state.c2c_links = static_cast<int>(links->size());
  }
  state.sm_mhz_after = clock(clock_sm);
  state.memory_mhz_after = clock(clock_memory);
  state.throttled_after = throttle_reasons();
}

std::optional<int> GpuCounters::clock(unsigned int kind) const {
  const auto get =
      library_.function<int(nvml::Device, unsigned int, unsigned int*)>("nvmlDeviceGetClockInfo");
  unsigned int mhz = 0;
  if (get == nullptr || get(device_, kind, &mhz) != nvml::success) return std::nullopt;
  return static_cast<int>(mhz);
}

std::optional<std::vector<std::string>> GpuCounters::throttle_reasons() const {
  using Get = int(nvml::Device, unsigned long long*);
  // The name before driver 535.
  auto* get = library_.function<Get>("nvmlDeviceGetCurrentClocksEventReasons");
  if (get == nullptr) get = library_.function<Get>("nvmlDeviceGetCurrentClocksThrottleReasons");
  unsigned long long reasons = 0;
  if (get == nullptr || get(device_, &reasons) != nvml::success) return std::nullopt;
  return throttle_words(reasons);
}

LinkTraffic link_traffic(const GpuCounters::Wire& before, const GpuCounters::Wire& after,
                         bool gpu_only_reads) {
  // Unsigned differences are right across one wrap.
  LinkTraffic traffic;
  traffic.wire_to_device = static_cast<std::uint32_t>(after.to_device - before.to_device);
  traffic.wire_to_host = static_cast<std::uint32_t>(after.to_host - before.to_host);
  if (gpu_only_reads) {
    const double requests = traffic.wire_to_host / request_bytes;
    traffic.payload_to_device = traffic.wire_to_device - completion_overhead * requests;
  }
  return traffic;
}

bool lost_records(std::size_t moved, double wire_to_device) {
  constexpr double payload = smallest_completion / (smallest_completion + completion_overhead);
  return static_cast<double>(moved) < payload * wire_to_device - aside_bytes;
}

Moment moment_before(const DriverThreads& threads, const GpuCounters& counters) {
  Moment now;
  now.wire = counters.wire();
  now.threads = threads.seconds();
  now.process = process_usage();
  return now;
}

Moment moment_after(const DriverThreads& threads, const GpuCounters& counters) {
  Moment now;
  now.process = process_usage();
  now.threads = threads.seconds();
  now.wire = counters.wire();
  return now;
}

void PassMeans::add(const Moment& before, const Moment& after) {
  ++passes_;
  process_.cpu_seconds += after.process.cpu_seconds - before.process.cpu_seconds;
  process_.minor_faults += after.process.minor_faults - before.process.minor_faults;
  process_.major_faults += after.process.major_faults - before.process.major_faults;
  threads_.resize(std::max(threads_.size(), after.threads.size()), 0);
  for (std::size_t i = 0; i < after.threads.size(); ++i) {
    threads_[i] += after.threads[i] - before.threads[i];
  }
  if (!before.wire || !after.wire) return;
  ++passes_with_wire_;
  const LinkTraffic of_pass = link_traffic(*before.wire, *after.wire, gpu_only_reads_);
  link_.wire_to_device += of_pass.wire_to_device;
  link_.wire_to_host += of_pass.wire_to_host;
  if (of_pass.payload_to_device) {
    link_.payload_to_device = link_.payload_to_device.value_or(0) + *of_pass.payload_to_device;
  }
}

CpuTime PassMeans::cpu(const DriverThreads& threads) const {
  CpuTime time;
  time.process = mean(process_.cpu_seconds);
  if (!threads.available()) return time;
  const std::vector<std::string> names = threads.names();
  double sum = 0;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    sum += mean(threads_[i]);
    if (threads_[i] > 0) time.threads.emplace_back(names[i], mean(threads_[i]));
  }
  time.driver = sum;
  return time;
}

PageFaults PassMeans::page_faults() const {
  return {mean(process_.minor_faults), mean(process_.major_faults)};
}

std::optional<LinkTraffic> PassMeans::link() const {
  if (passes_ == 0 || passes_with_wire_ < passes_) return std::nullopt;
  LinkTraffic means{mean(link_.wire_to_device), mean(link_.wire_to_host), std::nullopt};
  if (link_.payload_to_device) means.payload_to_device = mean(*link_.payload_to_device);
  return means;
}

namespace {

constexpr std::size_t max_pages = 4096;  // half a millisecond

/// The pages that lie in `ranges` from end to end, or an even sample of them.
std::vector<void*> pages_of(const std::vector<std::span<const std::byte>>& ranges,
                            std::size_t page_bytes) {
  std::size_t total = 0;
  for (const auto& range : ranges) total += range.size() / page_bytes;
  const std::size_t stride = std::max<std::size_t>(1, total / max_pages);
  std::vector<void*> pages;
  std::size_t next = 0;  // counts over all ranges
  for (const auto& range : ranges) {
    const auto address = reinterpret_cast<std::uintptr_t>(range.data());
    const std::uintptr_t first = round_up(address, page_bytes);
    const std::uintptr_t end = address + range.size();
    for (std::uintptr_t page = first; page + page_bytes <= end; page += page_bytes) {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): rounded up from a pointer
      if (next++ % stride == 0) pages.push_back(reinterpret_cast<void*>(page));
    }
  }
  return pages;
}

/// Of all ranges: "gpu", "cpu", "mixed"; "" where none was prefetched or none is managed.
std::string last_prefetch(const std::vector<std::span<const std::byte>>& ranges) {
  std::string all;
  for (const auto& range : ranges) {
    const auto to = cuda::last_prefetch_location(range.data(), range.size());
    const std::string one = !to ? "" : to->processor == cuda::Processor::gpu ? "gpu" : "cpu";
    if (&range != &ranges.front() && one != all) return "mixed";
    all = one;
  }
  return all;
}

}  // namespace

Observed<Residency> find_residency(const std::vector<std::span<const std::byte>>& ranges,
                                   const std::vector<int>& gpu_nodes) {
  if (ranges.empty()) return Observed<Residency>::zero("the weights are in GPU memory alone");
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<void*> pages = pages_of(ranges, page_bytes);
  if (pages.empty()) return Observed<Residency>::unavailable("the weights fill no whole page");
  std::vector<int> status(pages.size(), -ENOENT);
  // Without nodes to move to, move_pages only answers.
  if (syscall(SYS_move_pages, 0, pages.size(), pages.data(), nullptr, status.data(), 0) != 0) {
    return Observed<Residency>::unavailable(std::string("move_pages: ") + std::strerror(errno));
  }
  Residency found;
  found.pages_asked = pages.size();
  std::map<int, std::size_t> nodes;
  for (const int node : status) {
    const bool on_gpu = std::ranges::find(gpu_nodes, node) != gpu_nodes.end();
    if (on_gpu || node == -ENOENT || node == -EFAULT) {
      ++found.not_on_cpu;
    } else if (node >= 0) {
      ++nodes[node];
    } else {
      return Observed<Residency>::unavailable(std::string("move_pages: a page answers ") +
                                              std::strerror(-node));
    }
  }
  found.on_node.assign(nodes.begin(), nodes.end());
  found.last_prefetch = last_prefetch(ranges);
  return Observed<Residency>::measured(std::move(found));
}

namespace {

constexpr int periods_watched = 3;
constexpr double longest_period = 0.5;  // seconds; waited for in vain where there is none
constexpr double min_seconds = 0.095;   // of work: one period of 0.1 s, as NVML has it
constexpr double max_seconds = 2.0;
// Where in a period the counter may be read for the last time: it was renewed before, and will not
// be before the reading is done, even if the period is known to some percent only.
constexpr double earliest = 0.25;
constexpr double latest = 0.75;

}  // namespace

EnergyMeter::EnergyMeter(Joules joules, Seconds now)
    : joules_(std::move(joules)), now_(std::move(now)) {}

std::optional<EnergyMeter::Renewal> EnergyMeter::next_renewal() const {
  const auto first = joules_();
  if (!first) return std::nullopt;
  const double begin = now_();
  for (double at = begin; at - begin < longest_period; at = now_()) {
    const auto joules = joules_();
    if (joules && *joules != *first) return Renewal{*joules, at};
  }
  return std::nullopt;
}

void EnergyMeter::find_period() {
  period_ = 0;
  const auto first = next_renewal();
  if (!first) return;
  std::optional<Renewal> last;
  for (int i = 0; i < periods_watched; ++i) {
    last = next_renewal();
    if (!last) return;
  }
  period_ = (last->at - first->at) / periods_watched;
}

Observed<Energy> EnergyMeter::measure(const std::function<void()>& work, std::size_t passes) {
  using Result = Observed<Energy>;
  if (!joules_()) return Result::unavailable("NVML counts no energy of this GPU");
  if (!period_) find_period();
  const auto first = next_renewal();
  if (*period_ <= 0 || !first) {
    return Result::unavailable("NVML does not renew the energy counter");
  }
  const double begin = now_();
  const double min_periods = std::ceil(min_seconds / *period_);
  double done = 0;
  for (double end = begin; end - begin < max_seconds;) {
    work();
    done += static_cast<double>(passes);
    end = now_();
    const double elapsed = (end - first->at) / *period_;
    const double periods = std::floor(elapsed);
    const double phase = elapsed - periods;
    if (periods < min_periods || phase < earliest || phase > latest) continue;
    const auto last = joules_();
    if (!last) break;
    const double seconds = periods * *period_;
    const double watts = (*last - first->joules) / seconds;
    return Result::measured({watts * (end - begin) / done, watts, seconds});
  }
  return Result::unavailable("passes are too long for the counter's renewals");
}

}  // namespace offload
