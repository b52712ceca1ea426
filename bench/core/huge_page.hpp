// SPDX-License-Identifier: Apache-2.0
// Transparent huge pages: how large they are, and how much of a range is made of them.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "offload/platform.hpp"
#include "offload/support.hpp"

namespace offload {

/// Of the machine described below `root`, whose ordinary pages have `page_bytes`: 2 MiB for pages
/// of 4 KiB, 512 MiB for pages of 64 KiB.
std::size_t huge_page_bytes(const std::filesystem::path& root, std::size_t page_bytes);
/// Of this machine.
std::size_t huge_page_bytes();

/// Whether the kernel gives huge pages to memory that is advised to have them.
Support huge_pages_on_advice(const Host& host);

/// What memory that was advised to be huge is made of, once all of it has been touched.
struct HugePageUse {
  std::size_t page_bytes = 0;
  std::size_t bytes = 0;        // of the ranges
  std::size_t huge_bytes = 0;   // of them in huge pages
  std::size_t small_bytes = 0;  // of their allocations in small pages where huge ones would fit
};
/// By /proc/self/smaps below `root`, which tells of adjoining memory with the same advice as of
/// one; nullopt where it does not tell of every range.
std::optional<HugePageUse> find_huge_pages(std::span<const std::span<const std::byte>> ranges,
                                           std::size_t page_bytes,
                                           const std::filesystem::path& root = "/");

}  // namespace offload
