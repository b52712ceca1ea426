// SPDX-License-Identifier: Apache-2.0
// What of mapped files is in memory, and how it leaves.
#pragma once
#include <cstddef>
#include <span>

namespace offload {

/// Whole pages of memory into which a file is mapped.
using MappedPages = std::span<const std::byte>;

/// How much of them is in the page cache. Throws std::system_error.
std::size_t cached_bytes(MappedPages pages);

/// Takes all of `file`, which is mapped at `map`, out of the page cache, but for what other
/// processes hold there. Whether of `wanted`, which are parts of the map, nothing stays.
bool try_drop(int file, MappedPages map, std::span<const MappedPages> wanted);

}  // namespace offload
