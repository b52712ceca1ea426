// SPDX-License-Identifier: Apache-2.0
// What a user means by a path or a Hugging Face id: which files of a model are there to be read.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/hf_cache.hpp"

namespace offload {

/// At least one of the files. `index` or `safetensors`, not both; `gguf` excludes either.
struct ModelFiles {
  std::optional<std::filesystem::path> config;  // config.json
  std::optional<std::filesystem::path> index;   // model.safetensors.index.json
  std::vector<std::filesystem::path> safetensors;
  std::optional<std::filesystem::path> gguf;
  std::string name;  // plain: the id's last part, the directory's name, or the file's
};

/// The files of `given`: a directory, a config.json, a .safetensors, its index, a GGUF file (known
/// by its content), or an id "org/Name" in Hugging Face's cache on this machine, in any case.
/// nullopt when there is no such path and nothing of that name in the cache. Throws UsageError for
/// a path that is there and holds no model.
std::optional<ModelFiles> find_model_files(std::string_view given,
                                           const Environment& environment = process_environment);

/// A plain name for the model that the file at `path` belongs to.
std::string model_name_of(const std::filesystem::path& path);

}  // namespace offload
