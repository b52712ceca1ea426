// SPDX-License-Identifier: Apache-2.0
// bench/models/presets/*.json, built into the program.
#pragma once
#include <span>
#include <string_view>

namespace offload {

struct PresetFile {
  std::string_view name;  // of the model and of its file
  std::string_view json;  // the fields of its config.json that give shapes, and "aliases"
};

std::span<const PresetFile> preset_files();

}  // namespace offload
