// SPDX-License-Identifier: Apache-2.0
#include "bench/core/huge_page.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "bench/core/files.hpp"
#include "offload/rounding.hpp"

namespace offload {
namespace {

struct Extent {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  std::size_t bytes() const { return end - begin; }
  Extent overlap(const Extent& other) const {
    const std::uintptr_t first = std::max(begin, other.begin);
    return {first, std::max(first, std::min(end, other.end))};
  }
  /// In whole pages of that size.
  std::size_t in_pages(std::size_t page_bytes) const {
    const std::uintptr_t first = round_up<std::uintptr_t>(begin, page_bytes);
    return first >= end ? 0 : (end - first) / page_bytes * page_bytes;
  }
};

/// One mapping of the process, as /proc/self/smaps tells of it.
struct Area {
  Extent at;
  std::size_t resident = 0;
  std::size_t huge = 0;
  bool advised = false;  // to be huge

  /// In small pages, although huge ones would fit.
  std::size_t small(std::size_t page_bytes) const {
    const std::size_t in_small = resident - std::min(huge, resident);
    return in_small - std::min(in_small, at.bytes() - at.in_pages(page_bytes));
  }
};

std::optional<std::uintptr_t> address_in(std::string_view text) {
  std::uintptr_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// "7f2a00000000-7f2a40000000 rw-p ..."
std::optional<Extent> extent_in(std::string_view line) {
  const std::size_t dash = line.find('-');
  const std::size_t space = line.find(' ');
  if (dash == std::string_view::npos || space == std::string_view::npos || dash > space) {
    return std::nullopt;
  }
  const auto begin = address_in(line.substr(0, dash));
  const auto end = address_in(line.substr(dash + 1, space - dash - 1));
  if (!begin || !end || *begin >= *end) return std::nullopt;
  return Extent{*begin, *end};
}

std::vector<Area> areas_in(std::string_view smaps) {
  std::vector<Area> areas;
  for (const std::string_view line : lines_of(smaps)) {
    if (const auto at = extent_in(line)) {
      areas.push_back({*at});
    } else if (!areas.empty()) {
      Area& area = areas.back();
      if (const auto resident = kib_of(line, "Rss")) area.resident = *resident;
      if (const auto huge = kib_of(line, "AnonHugePages")) area.huge = *huge;
      const std::string flags = " " + std::string(value_of(line, "VmFlags")) + " ";
      if (flags.find(" hg ") != std::string::npos) area.advised = true;
    }
  }
  return areas;
}

}  // namespace

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

Support huge_pages_on_advice(const Host& host) {
  const std::string& setting = host.transparent_hugepages;
  if (setting == "always" || setting == "madvise") return Support::yes();
  return Support::no("the kernel gives no transparent huge pages: their setting is " +
                     (setting.empty() ? "unknown" : setting));
}

std::optional<HugePageUse> find_huge_pages(std::span<const std::span<const std::byte>> ranges,
                                           std::size_t page_bytes,
                                           const std::filesystem::path& root) {
  const std::vector<Area> areas = areas_in(read_text(root / "proc/self/smaps"));
  HugePageUse use{page_bytes};
  std::size_t found = 0;
  for (const Area& area : areas) {
    std::size_t inside = 0;
    std::size_t could_be_huge = 0;
    for (const auto& range : ranges) {
      const auto begin = reinterpret_cast<std::uintptr_t>(range.data());
      const Extent part = area.at.overlap({begin, begin + range.size()});
      inside += part.bytes();
      could_be_huge += part.in_pages(page_bytes);
    }
    if (inside == 0) continue;
    found += inside;
    if (!area.advised) continue;
    use.huge_bytes += std::min(could_be_huge, area.huge);
    use.small_bytes += area.small(page_bytes);
  }
  for (const auto& range : ranges) use.bytes += range.size();
  if (found != use.bytes) return std::nullopt;
  return use;
}

}  // namespace offload
