// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "bench/core/text.hpp"
#include "bench/report/doctor_checks.hpp"
#include "bench/report/machine_state.hpp"

namespace offload::doctor {
namespace {

/// "13.0" of 13000.
std::string cuda_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// NVML's answer about what this kind of GPU does not have.
bool is_not_supported(const std::vector<Unknown>& notes, std::string_view field) {
  return reason_of(notes, field).find("(not supported)") != std::string::npos;
}

Check driver_check(const Platform& platform) {
  const Gpu& gpu = *platform.gpu;
  if (gpu.driver_release.empty()) return unknown("driver", "its release could not be read");
  std::string text = gpu.driver_release + " (CUDA " + cuda_text(gpu.driver_version) + ")";
  if (const auto& open = platform.host.settings.modules.open) {
    text += *open ? ", open kernel modules" : ", proprietary kernel modules";
  }
  return ok("driver", text);
}

Check persistence_check(const GpuSettings& settings) {
  constexpr const char* name = "persistence";
  if (!settings.persistence) return unknown(name, reason_of(settings.unknown, name));
  if (*settings.persistence) return ok(name, "on");
  return look(name, "off: the driver takes the GPU down whenever no process uses it",
              "nvidia-smi -pm 1, or run nvidia-persistenced");
}

Check clocks_check(const Examination& found) {
  constexpr const char* name = "gpu_clocks";
  const GpuSettings& settings = found.platform.gpu->settings;
  const auto& under_load = found.calibration.throttled;
  if (!under_load && !settings.throttled) {
    return unknown(name, reason_of(settings.unknown, "throttled"));
  }
  std::vector<std::string> reasons = forced_reasons(under_load);
  for (std::string& reason : forced_reasons(settings.throttled)) {
    if (std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(std::move(reason));
  }
  if (reasons.empty()) return ok(name, "nothing holds them down");
  return look(name, "held down by " + enumerate(reasons),
              "look at cooling and power: nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER");
}

std::string watts_text(double watts) { return three_digits(watts) + " W"; }

Check power_check(const GpuSettings& settings) {
  constexpr const char* name = "power_limit";
  constexpr double rounding = 0.99;
  const auto& now = settings.enforced_power_limit_watts;
  const auto& own = settings.default_power_limit_watts;
  if (!now) return unknown(name, reason_of(settings.unknown, "enforced_power_limit_watts"));
  if (!own) {
    return unknown(name, watts_text(*now) + "; the card's own limit is not known: " +
                             reason_of(settings.unknown, "default_power_limit_watts"));
  }
  const std::string text = watts_text(*now) + " of the card's " + watts_text(*own);
  if (*now >= rounding * *own) return ok(name, text);
  return look(name, text,
              "nvidia-smi -pl " + three_digits(*own) + ", where power and cooling allow");
}

Check mode_check(const GpuSettings& settings) {
  constexpr const char* name = "gpu_mode";
  if (settings.mig.value_or(false)) {
    return look(name, "MIG is on: an instance has a part of the GPU's SMs, memory and copy engines",
                "nvidia-smi -mig 0, unless others need their parts");
  }
  if (!settings.mig && !is_not_supported(settings.unknown, "mig")) {
    return unknown(name, "MIG: " + reason_of(settings.unknown, "mig"));
  }
  std::string text = "not MIG";
  if (!settings.compute_mode.empty()) text += ", compute mode " + settings.compute_mode;
  if (settings.ecc) text += *settings.ecc ? ", ECC on" : ", ECC off";
  return ok(name, text);
}

Check confidential_check(const GpuSettings& settings) {
  constexpr const char* name = "confidential_compute";
  const auto& on = settings.confidential_compute;
  if (!on && !is_not_supported(settings.unknown, name)) {
    return unknown(name, reason_of(settings.unknown, name));
  }
  if (!on.value_or(false)) return ok(name, "off");
  return look(name, "on: whatever crosses the link is encrypted, and copied once more for it",
              "turn it off where the host is trusted");
}

}  // namespace

Checks gpu_checks(const Examination& found) {
  const Gpu& gpu = *found.platform.gpu;
  return {driver_check(found.platform),      pageable_access_check(found.platform),
          memory_mode_check(found.platform), access_counters_check(found.platform),
          persistence_check(gpu.settings),   clocks_check(found),
          power_check(gpu.settings),         mode_check(gpu.settings),
          confidential_check(gpu.settings),  gpu_memory_check(found.platform)};
}

}  // namespace offload::doctor
