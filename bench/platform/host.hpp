// SPDX-License-Identifier: Apache-2.0
// The CPU side of the machine and how its kernel is set up, read from /proc and /sys.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

#include "offload/platform.hpp"

namespace offload {

/// What only system calls tell.
struct SystemFacts {
  std::string architecture;
  std::string kernel;
  int logical_cpus = 0;
  std::size_t page_bytes = 0;
};
SystemFacts system_facts();

/// `root` is "/" on a real machine. A file that is missing leaves its field empty.
Host read_host(const std::filesystem::path& root, const SystemFacts& facts);

/// The NVIDIA kernel module's release, e.g. "580.159.04", from proc/driver/nvidia/version; "" when
/// no such module is loaded.
std::string read_driver_release(const std::filesystem::path& root);

/// `root` is "/" on a real machine. What cannot be read stays empty, and `unknown` says why.
HostSettings read_host_settings(const std::filesystem::path& root);

}  // namespace offload
