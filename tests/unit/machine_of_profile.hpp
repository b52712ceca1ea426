// SPDX-License-Identifier: Apache-2.0
// A machine of each platform profile: what its profile says of it, and of the rest what a machine
// has that nothing is wrong with.
#pragma once
#include <algorithm>
#include <optional>
#include <string_view>

#include "bench/machines/machine_profile.hpp"
#include "bench/report/examination.hpp"
#include "offload/units.hpp"

namespace offload::testing {

/// `whole` with GPU, link and figures of the profile; what that does not say is not measured.
inline Examination of_profile(Examination whole, std::string_view slug) {
  const MachineProfile machine = shipped_machine(slug);
  Gpu& gpu = *whole.platform.gpu;
  const Gpu& published = *machine.platform.gpu;
  gpu.name = published.name;
  gpu.compute_major = published.compute_major;
  gpu.compute_minor = published.compute_minor;
  gpu.memory_bytes = gpu.free_bytes = published.memory_bytes;
  gpu.memory_model = published.memory_model;
  whole.platform.link = machine.platform.link;
  Calibration& c = whole.calibration;
  const Rates& rates = machine.rates;
  c.link_generation = c.link_width = std::nullopt;
  if (const auto& link = machine.platform.link) {
    c.link_generation = gpu.pci.generation = link->generation;
    c.link_width = gpu.pci.width = link->width;
  }
  c.copy_h2d = rates.copy_h2d;
  c.copy_d2h = rates.copy_d2h;
  c.sm_read_pinned = rates.sm_read_pinned;
  c.link_latency = rates.link_latency;
  c.host_read = rates.host_read > 0 ? rates.host_read : std::max(c.host_read, *c.copy_h2d);
  if (gpu.memory_model.pageable_memory_access_uses_host_page_tables) {
    whole.platform.host.page_bytes = 64 * KiB;
  }
  return whole;
}

/// All figures of link and host `times` as fast.
inline void speed_up(Calibration& c, double times) {
  for (auto* rate : {&c.copy_h2d, &c.copy_d2h, &c.sm_read_pinned}) {
    if (*rate) **rate *= times;
  }
  if (c.link_latency) *c.link_latency /= times;
  c.host_read *= times;
}

}  // namespace offload::testing
