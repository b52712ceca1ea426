// SPDX-License-Identifier: Apache-2.0
#include "bench/policies/parts/page_cache.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "offload/cuda/host_buffers.hpp"

namespace offload {

std::size_t cached_bytes(MappedPages pages) {
  const std::size_t page = whole_pages(1);
  std::vector<unsigned char> states(pages.size() / page);
  if (mincore(const_cast<std::byte*>(pages.data()), pages.size(), states.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "asking for cached pages");
  }
  const auto cached =
      std::ranges::count_if(states, [](unsigned char state) { return (state & 1U) != 0; });
  return static_cast<std::size_t>(cached) * page;
}

bool try_drop(int file, MappedPages map, std::span<const MappedPages> wanted) {
  // Pages that are still being read ahead, or wait in a CPU's list, are not dropped at once.
  constexpr int attempts = 20;
  for (int i = 0; i < attempts; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // What is mapped stays in the page cache.
    madvise(const_cast<std::byte*>(map.data()), map.size(), MADV_DONTNEED);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    if (std::ranges::all_of(wanted, [](MappedPages pages) { return cached_bytes(pages) == 0; })) {
      return true;
    }
  }
  return false;
}

}  // namespace offload
