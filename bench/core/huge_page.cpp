// SPDX-License-Identifier: Apache-2.0
#include "bench/core/huge_page.hpp"

#include <unistd.h>

#include <bit>
#include <cstdint>

#include "bench/core/files.hpp"

namespace offload {

std::size_t huge_page_bytes(const std::filesystem::path& root, std::size_t page_bytes) {
  const auto told =
      exact_number(read_text(root / "sys/kernel/mm/transparent_hugepage/hpage_pmd_size"));
  if (told && std::has_single_bit(*told) && *told > page_bytes) return *told;
  // What one page of a page table describes, on x86-64 and aarch64 alike.
  return page_bytes / sizeof(std::uint64_t) * page_bytes;
}

std::size_t huge_page_bytes() {
  static const std::size_t bytes =
      huge_page_bytes("/", static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
  return bytes;
}

}  // namespace offload
