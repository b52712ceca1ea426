// SPDX-License-Identifier: Apache-2.0
// Which link joins host memory and the GPU, and the most it can carry.
#pragma once
#include <optional>
#include <string>

#include "bench/platform/nvml.hpp"
#include "offload/platform.hpp"

namespace offload {

/// Bytes per second and direction that PCI Express leaves after line coding, before packet headers;
/// nullopt for a generation or width that does not exist.
std::optional<double> pcie_peak(int generation, int width);

/// Decides by what the machine says it can do, never by a device's name. nullopt when that does not
/// settle it, and for a GPU that shares the host's memory.
std::optional<Link> decide_link(const MemoryModel& memory_model, bool integrated,
                                const std::string& architecture, const NvmlFacts& nvml);

}  // namespace offload
