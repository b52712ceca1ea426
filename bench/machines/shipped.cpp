// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bench/core/names.hpp"
#include "bench/machines/machine_profile.hpp"
#include "bench/models/json.hpp"

namespace offload {
namespace {

std::string path_of(std::string_view slug) {
  return "results/platforms/" + std::string(slug) + ".json";
}

JsonValue document_of(const ProfileFile& file) { return parse_json(file.json, path_of(file.slug)); }

bool has_gpu(const ProfileFile& file, std::string_view gpu_name) {
  const auto profile = document_of(file).find("offload_bench_platform");
  const auto gpu = profile ? profile->find("gpu") : std::nullopt;
  const auto names = gpu ? gpu->find("names") : std::nullopt;
  if (!names) return false;
  const std::vector<JsonValue> all = names->items();
  return std::ranges::any_of(all, [&](const JsonValue& name) { return name.text() == gpu_name; });
}

}  // namespace

std::vector<std::string_view> shipped_machines() {
  std::vector<std::string_view> slugs;
  for (const ProfileFile& file : profile_files()) slugs.push_back(file.slug);
  return slugs;
}

MachineProfile shipped_machine(std::string_view slug) {
  const std::string known = known_name("machine", slug, shipped_machines());
  const auto files = profile_files();
  const auto file = std::ranges::find(files, known, &ProfileFile::slug);
  return machine_from_json(document_of(*file), path_of(known));
}

std::string_view shipped_machine_with(std::string_view gpu_name) {
  for (const ProfileFile& file : profile_files()) {
    if (has_gpu(file, gpu_name)) return file.slug;
  }
  return "";
}

}  // namespace offload
