// SPDX-License-Identifier: Apache-2.0
#include "offload/cuda/host_buffers.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "bench/core/huge_page.hpp"
#include "bench/core/text.hpp"
#include "offload/cuda/runtime.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

// What malloc does for all but small sizes. Called directly so that small tensors, too, get fresh
// pages of their own, which go back to the system when freed. Transparent huge pages are left to
// the system's setting, as malloc leaves them: the pages are those that users of malloc would get.
std::byte* map_pages(std::size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    throw std::runtime_error("mapping " + format_size_rounded(bytes) +
                             " of host memory failed: " + std::generic_category().message(errno) +
                             "; free some or choose smaller weights");
  }
  return static_cast<std::byte*>(pages);
}

// Only whole huge pages at their own multiples can be huge, so what begins elsewhere is cut off: a
// page at least on either side, so that the kernel tells of each allocation apart from the others
// (find_huge_pages).
std::byte* map_huge_pages(std::size_t bytes) {
  const std::size_t huge_page = huge_page_bytes();
  if (bytes < huge_page) return map_pages(bytes);
  const std::size_t mapped = bytes + huge_page + whole_pages(1);
  std::byte* pages = map_pages(mapped);
  const auto begin = reinterpret_cast<std::uintptr_t>(pages);
  const std::size_t before = round_up<std::uintptr_t>(begin + 1, huge_page) - begin;
  munmap(pages, before);
  std::byte* aligned = pages + before;
  munmap(aligned + bytes, mapped - before - bytes);
  madvise(aligned, bytes, MADV_HUGEPAGE);  // advice: where it is not taken, pages stay small
  return aligned;
}

std::byte* map_pageable(std::size_t bytes, HostPages pages) {
  return pages == HostPages::huge ? map_huge_pages(bytes) : map_pages(bytes);
}

std::byte* map_registered(std::size_t bytes, HostPages kind) {
  std::byte* pages = map_pageable(bytes, kind);
  try {
    cuda::host_register(pages, bytes);
  } catch (...) {
    munmap(pages, bytes);
    throw;
  }
  return pages;
}

std::byte* allocate(HostMemory kind, std::size_t bytes, HostPages pages) {
  switch (kind) {
    case HostMemory::pageable:
      return map_pageable(bytes, pages);
    case HostMemory::registered:
      return map_registered(bytes, pages);
    case HostMemory::pinned:
      return static_cast<std::byte*>(cuda::host_alloc(bytes, cuda::HostAlloc::mapped));
    case HostMemory::write_combined:
      break;
  }
  return static_cast<std::byte*>(cuda::host_alloc(bytes, cuda::HostAlloc::mapped_write_combined));
}

}  // namespace

std::size_t whole_pages(std::size_t bytes) {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return round_up(std::max<std::size_t>(bytes, 1), page);
}

HostAllocation::HostAllocation(HostMemory kind, std::size_t bytes, HostPages pages)
    : kind_(kind), bytes_(whole_pages(bytes)), data_(allocate(kind, bytes_, pages)) {}

void HostAllocation::give_pages_back() {
  if (madvise(data_, bytes_, MADV_DONTNEED) == 0) return;
  throw std::runtime_error("giving back pages of host memory failed: " +
                           std::generic_category().message(errno));
}

HostAllocation::~HostAllocation() {
  switch (kind_) {
    case HostMemory::pinned:
    case HostMemory::write_combined:
      cuda::free_host(data_);
      return;
    case HostMemory::registered:
      cuda::host_unregister(data_);
      break;
    case HostMemory::pageable:
      break;
  }
  munmap(data_, bytes_);
}

HostBuffers::Loan::Loan(HostBuffers& pool, std::unique_ptr<HostAllocation> allocation)
    : pool_(&pool), allocation_(std::move(allocation)) {}

HostBuffers::Loan::~Loan() {
  if (allocation_) pool_->give_back(std::move(allocation_));
}

HostBuffers::Loan::Loan(Loan&& other) noexcept = default;

HostBuffers::Loan HostBuffers::borrow(HostMemory kind, std::size_t bytes) {
  auto best = idle_.end();
  for (auto it = idle_.begin(); it != idle_.end(); ++it) {
    const bool fits = (*it)->kind() == kind && (*it)->bytes() >= bytes;
    if (fits && (best == idle_.end() || (*it)->bytes() < (*best)->bytes())) best = it;
  }
  if (best != idle_.end()) {
    auto found = std::move(*best);
    idle_.erase(best);
    return {*this, std::move(found)};
  }

  const auto begin = std::chrono::steady_clock::now();
  std::erase_if(idle_, [kind](const auto& idle) { return idle->kind() == kind; });
  auto made = allocate(kind, bytes);
  allocation_seconds_ +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {*this, std::move(made)};
}

std::unique_ptr<HostAllocation> HostBuffers::allocate(HostMemory kind, std::size_t bytes) const {
  return std::make_unique<HostAllocation>(kind, bytes, pages_);
}

void HostBuffers::trim() noexcept { idle_.clear(); }

std::size_t HostBuffers::idle_bytes() const {
  std::size_t sum = 0;
  for (const auto& allocation : idle_) sum += allocation->bytes();
  return sum;
}

void HostBuffers::give_back(std::unique_ptr<HostAllocation> allocation) noexcept {
  try {
    idle_.push_back(std::move(allocation));
  } catch (const std::bad_alloc&) {
    // No room to remember it: it is freed here instead of kept.
  }
}

}  // namespace offload
