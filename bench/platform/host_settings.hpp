// SPDX-License-Identifier: Apache-2.0
// How the kernel is set up where that bears on memory, read from /proc and /sys.
#pragma once
#include <filesystem>

#include "offload/platform.hpp"

namespace offload {

/// `root` is "/" on a real machine. What cannot be read stays empty, and `unknown` says why.
HostSettings read_host_settings(const std::filesystem::path& root);

}  // namespace offload
