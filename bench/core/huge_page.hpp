// SPDX-License-Identifier: Apache-2.0
// How large the pages are that the kernel makes of memory advised to be huge.
#pragma once
#include <cstddef>
#include <filesystem>

namespace offload {

/// Of the machine described below `root`, whose ordinary pages have `page_bytes`: 2 MiB for pages
/// of 4 KiB, 512 MiB for pages of 64 KiB.
std::size_t huge_page_bytes(const std::filesystem::path& root, std::size_t page_bytes);
/// Of this machine.
std::size_t huge_page_bytes();

}  // namespace offload
