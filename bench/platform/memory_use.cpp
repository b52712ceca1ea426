// SPDX-License-Identifier: Apache-2.0
#include "bench/platform/memory_use.hpp"

#include <string>
#include <string_view>

#include "bench/platform/cgroup.hpp"
#include "bench/platform/files.hpp"

namespace offload {
namespace {

std::optional<std::size_t> kib_of(const std::string& text, std::string_view key) {
  const auto kib = leading_number(value_of(text, key));
  if (!kib) return std::nullopt;
  return *kib * 1024;
}

}  // namespace

MemoryUse read_memory_use(const std::filesystem::path& root) {
  return {kib_of(read_text(root / "proc/meminfo"), "MemAvailable"),
          kib_of(read_text(root / "proc/self/status"), "VmRSS"), read_cgroup_usage(root)};
}

}  // namespace offload
