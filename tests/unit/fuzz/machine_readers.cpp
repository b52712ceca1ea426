// SPDX-License-Identifier: Apache-2.0
// The readers of machines: from results, from profiles, from what is kept of a calibration.
#include <string>

#include "bench/machines/machine_profile.hpp"
#include "bench/report/calibration_cache.hpp"
#include "tests/unit/fuzz/readers.hpp"
#include "tests/unit/fuzz/verdict.hpp"
#include "tests/unit/model_files.hpp"
#include "tests/unit/synthetic_run.hpp"

namespace offload::fuzz {

bool takes_machine(std::string_view content) {
  return takes([&] {
    MachineProfile machine = machine_from_text(content, "input");
    complete(machine);
    give(machine, {25e9, {}, {}, {}});
  });
}

bool takes_calibration(std::string_view content) {
  static const TempDirectory cache;
  static const Platform platform = testing::gpu_run().platform;
  const Environment here = [](const std::string& name) {
    return name == "XDG_CACHE_HOME" ? cache.path().string() : std::string();
  };
  static const auto file = calibration_cache_file(platform, here).lexically_relative(cache.path());
  cache.write(file, content);
  return kept_calibration(platform, here).has_value();
}

}  // namespace offload::fuzz
