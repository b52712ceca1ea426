// SPDX-License-Identifier: Apache-2.0
#include "bench/report/calibration_cache.hpp"

#include <sys/stat.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bench/core/names.hpp"
#include "bench/report/json_parts.hpp"
#include "bench/report/redact.hpp"
#include "bench/report/results_file.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// By the XDG Base Directory Specification, which has relative paths ignored.
fs::path cache_directory(const Environment& environment) {
  const fs::path cache = environment("XDG_CACHE_HOME");
  if (cache.is_absolute()) return cache / "offload-bench";
  const fs::path home = environment("HOME");
  return home.is_absolute() ? home / ".cache" / "offload-bench" : fs::path();
}

/// Fit for a file name, whoever wrote it.
std::string plain(std::string text) {
  for (char& c : text) {
    if (!is_plain_name(std::string_view(&c, 1))) c = '_';
  }
  return text;
}

std::string driver_of(const Platform& platform) {
  if (!platform.gpu) return "none";
  const Gpu& gpu = *platform.gpu;
  return gpu.driver_release.empty() ? std::to_string(gpu.driver_version) : gpu.driver_release;
}

bool same_machine(const Platform& one, const Platform& other) {
  if (one.gpu.has_value() != other.gpu.has_value()) return false;
  const bool same_gpu = !one.gpu || one.gpu->name == other.gpu->name;
  return same_gpu && driver_of(one) == driver_of(other) && one.host.cpu == other.host.cpu &&
         one.host.logical_cpus == other.host.logical_cpus;
}

/// For this user alone, as the specification asks.
bool make_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  return ::mkdir(directory.c_str(), 0700) == 0 || fs::is_directory(directory, error);
}

std::string document(const Platform& platform, const Calibration& calibration,
                     const std::string& started_at) {
  const Json json = {{"offload_bench",
                      {{"schema_version", results_schema_version},
                       {"started_at", started_at},
                       {"platform", part<Json>(machine_json(redacted(platform)))},
                       {"calibration", part<Json>(calibration_json(calibration))}}}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

fs::path calibration_cache_file(const Platform& platform, const Environment& environment) {
  const fs::path directory = cache_directory(environment);
  if (directory.empty()) return {};
  const bool has_id = platform.gpu && !platform.gpu->uuid.empty();
  const std::string machine = has_id ? plain(platform.gpu->uuid) : "host";
  return directory / ("calibration-" + machine + "-" + plain(driver_of(platform)) + ".json");
}

bool keep_calibration(const Platform& platform, const Calibration& calibration,
                      const std::string& started_at, const Environment& environment) {
  try {
    const fs::path file = calibration_cache_file(platform, environment);
    if (file.empty() || !make_directory(file.parent_path())) return false;
    OutputFile("the calibration's cache", file.string())
        .commit(document(platform, calibration, started_at));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::optional<MachineProfile> kept_calibration(const Platform& platform,
                                               const Environment& environment) {
  try {
    const fs::path file = calibration_cache_file(platform, environment);
    if (file.empty()) return std::nullopt;
    MachineProfile machine = read_machine(file);
    if (!same_machine(machine.platform, redacted(platform))) return std::nullopt;
    constexpr std::string_view before_date = ", measured ";
    machine.origin = "measured here, " +
                     machine.origin.substr(machine.origin.rfind(before_date) + before_date.size());
    machine.platform = platform;
    return machine;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace offload
