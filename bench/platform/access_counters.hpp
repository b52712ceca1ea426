// SPDX-License-Identifier: Apache-2.0
// Access counters: the GPU counts its reads over the link, and the driver moves regions to it that
// were read often, without a fault or a call.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "offload/platform.hpp"

namespace offload {

struct AccessCounters {
  /// Whether they move pages here; nullopt where nothing says so.
  std::optional<bool> move_pages;
  std::string reason;                           // why or why not, to follow a colon
  bool turned_off = false;                      // where they would be at work by default
  std::optional<int> threshold = std::nullopt;  // reads of a region before it moves, as loaded
};

/// Of a region that moves at once (nvidia-uvm, open kernel modules 595.45.04,
/// uvm_gpu_access_counters.c).
inline constexpr std::size_t access_counter_region = std::size_t{2} << 20;

/// By the modules' parameters, the kernel's page size and the mode of the GPU's memory. Needs a
/// GPU.
AccessCounters access_counters(const Platform& platform);

/// As a sentence that stands beside a series of passes, without its full stop.
std::string text_of(const AccessCounters& counters);

}  // namespace offload
