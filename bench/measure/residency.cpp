// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/residency.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

#include "offload/cuda/runtime.hpp"

namespace offload {
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
    const std::uintptr_t first = (address + page_bytes - 1) / page_bytes * page_bytes;
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
    const std::string one = !to ? "" : *to == cuda::Processor::gpu ? "gpu" : "cpu";
    if (&range != &ranges.front() && one != all) return "mixed";
    all = one;
  }
  return all;
}

}  // namespace

Observed<Residency> find_residency(const std::vector<std::span<const std::byte>>& ranges) {
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
    if (node >= 0) {
      ++nodes[node];
    } else if (node == -ENOENT || node == -EFAULT) {
      ++found.not_on_cpu;
    } else {
      return Observed<Residency>::unavailable(std::string("move_pages: a page answers ") +
                                              std::strerror(-node));
    }
  }
  found.on_node.assign(nodes.begin(), nodes.end());
  found.last_prefetch = last_prefetch(ranges);
  return Observed<Residency>::measured(std::move(found));
}

}  // namespace offload
