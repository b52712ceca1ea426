// SPDX-License-Identifier: Apache-2.0
// The last calibration of this machine, kept for whoever needs its rates and need not measure them
// again. Where it cannot be kept or read there is none: nothing here is an error.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "bench/machines/machine_profile.hpp"
#include "bench/models/load.hpp"
#include "bench/record.hpp"

namespace offload {

/// $XDG_CACHE_HOME (or ~/.cache) /offload-bench/calibration-<GPU's UUID>-<driver>.json, with "host"
/// for a machine without a GPU; "" where there is no home.
std::filesystem::path calibration_cache_file(const Platform& platform,
                                             const Environment& environment = process_environment);

/// Keeps what a results file would have of the machine, redacted, and of its calibration. Whether
/// it could.
bool keep_calibration(const Platform& platform, const Calibration& calibration,
                      const std::string& started_at,
                      const Environment& environment = process_environment);

/// What was kept of the same GPU, driver and CPUs, with `platform` as it is now.
std::optional<MachineProfile> kept_calibration(
    const Platform& platform, const Environment& environment = process_environment);

}  // namespace offload
