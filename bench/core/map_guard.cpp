// SPDX-License-Identifier: Apache-2.0
#include "bench/core/map_guard.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace offload {
namespace {

/// Memory that is watched; free where it begins at 0.
struct GuardedRange {
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> cut{false};
};

// A handler can reach nothing but what has static storage.
std::array<GuardedRange, 16'384> ranges;
std::atomic<std::uintptr_t> page_bytes{0};
struct sigaction previous {};
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free);
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr std::size_t no_slot = std::numeric_limits<std::size_t>::max();

/// Zeros from `page` on to the end of its range: what is cut off is the end of a file.
bool fill_with_zeros(GuardedRange& range, std::byte* page) {
  // Flagged first: no thread may see zeros that nobody knows of.
  range.cut = true;
  return mmap(page, range.end - reinterpret_cast<std::uintptr_t>(page), PROT_READ,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

extern "C" void on_bus_error(int /*signal*/, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  bool filled = false;
  for (GuardedRange& range : ranges) {
    const std::uintptr_t begin = range.begin;
    if (begin == 0 || address < begin || address >= range.end) continue;
    filled = fill_with_zeros(range, static_cast<std::byte*>(info->si_addr) - address % page_bytes);
    break;
  }
  // Not ours: the access is made again, and is then whose it was before.
  if (!filled) sigaction(SIGBUS, &previous, nullptr);
  errno = saved_errno;
}

/// Once, for as long as the process lives.
void install_handler() {
  page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

std::size_t take_slot(std::uintptr_t begin, std::size_t bytes) {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  static const bool installed = (install_handler(), true);
  static_cast<void>(installed);
  auto* const range = std::ranges::find_if(
      ranges, [](const GuardedRange& candidate) { return candidate.begin == 0; });
  if (range == ranges.end()) throw std::runtime_error("too many files of weights are mapped");
  range->cut = false;
  range->end = begin + bytes;
  range->begin = begin;
  return static_cast<std::size_t>(range - ranges.begin());
}

}  // namespace

MapGuard::MapGuard(const std::byte* data, std::size_t bytes)
    : slot_(take_slot(reinterpret_cast<std::uintptr_t>(data), bytes)) {}

MapGuard::~MapGuard() {
  if (slot_ != no_slot) ranges[slot_].begin = 0;
}

MapGuard::MapGuard(MapGuard&& other) noexcept : slot_(std::exchange(other.slot_, no_slot)) {}

bool MapGuard::was_cut() const { return ranges[slot_].cut; }

}  // namespace offload
