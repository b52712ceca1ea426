// SPDX-License-Identifier: Apache-2.0
#include "bench/models/model_file.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "bench/core/names.hpp"
#include "bench/models/hf_cache.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view config_name = "config.json";
constexpr std::string_view index_name = "model.safetensors.index.json";

bool file_exists(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}
bool directory_exists(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool begins_as_gguf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  return file.read(magic.data(), magic.size()) &&
         std::string_view(magic.data(), magic.size()) == "GGUF";
}

std::string ending_of(const fs::path& path) { return to_lower(path.extension().string()); }

/// "model-00002-of-00004": one of several.
bool is_numbered(const fs::path& path) {
  const std::string stem = path.stem().string();
  const auto of = stem.rfind("-of-");
  if (of == std::string::npos || of + 4 == stem.size()) return false;
  return stem.find_first_not_of("0123456789", of + 4) == std::string::npos;
}

std::vector<fs::path> files_ending(const fs::path& directory, std::string_view ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (file_exists(entry.path()) && ending_of(entry.path()) == ending)
      found.push_back(entry.path());
  }
  if (error) throw UsageError(directory.string() + ": cannot be read: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

void add_config_beside(ModelFiles& files, const fs::path& directory) {
  if (file_exists(directory / config_name)) files.config = directory / config_name;
}

/// The weights of a checkpoint's directory. Beside them may lie others in another layout
/// ("consolidated.safetensors"), so the usual names come first.
void add_safetensors_in(ModelFiles& files, const fs::path& directory) {
  if (file_exists(directory / index_name)) {
    files.index = directory / index_name;
    return;
  }
  if (file_exists(directory / "model.safetensors")) {
    files.safetensors = {directory / "model.safetensors"};
    return;
  }
  const auto all = files_ending(directory, ".safetensors");
  std::vector<fs::path> numbered;
  std::copy_if(all.begin(), all.end(), std::back_inserter(numbered), is_numbered);
  if (!numbered.empty()) {
    files.safetensors = numbered;
  } else if (all.size() == 1) {
    files.safetensors = all;
  } else if (!all.empty() && !files.config) {
    throw UsageError(directory.string() + ": holds " + std::to_string(all.size()) +
                     " safetensors files and no index; give the one that is meant");
  }
}

/// The one GGUF file of a directory, or the first of those it was split into.
void add_gguf_in(ModelFiles& files, const fs::path& directory) {
  auto all = files_ending(directory, ".gguf");
  std::erase_if(all, [](const fs::path& path) {
    return is_numbered(path) && path.stem().string().find("-00001-of-") == std::string::npos;
  });
  if (all.size() > 1) {
    throw UsageError(directory.string() + ": holds " + std::to_string(all.size()) +
                     " GGUF files; give the one that is meant");
  }
  if (!all.empty()) files.gguf = all.front();
}

ModelFiles files_in(const fs::path& directory) {
  ModelFiles files;
  add_config_beside(files, directory);
  add_safetensors_in(files, directory);
  if (!files.config && !files.index && files.safetensors.empty()) add_gguf_in(files, directory);
  if (!files.config && !files.index && files.safetensors.empty() && !files.gguf) {
    throw UsageError(directory.string() +
                     ": holds no config.json, no safetensors and no GGUF file");
  }
  return files;
}

ModelFiles files_of(const fs::path& path) {
  if (directory_exists(path)) return files_in(path);
  if (!file_exists(path)) throw UsageError(path.string() + ": is neither a file nor a directory");
  ModelFiles files;
  const fs::path directory = path.parent_path();
  const std::string name = path.filename().string();
  if (begins_as_gguf(path)) {
    files.gguf = path;
  } else if (name.ends_with(".safetensors.index.json")) {
    files.index = path;
    add_config_beside(files, directory);
  } else if (ending_of(path) == ".safetensors") {
    if (is_numbered(path)) {
      throw UsageError(path.string() + ": is one of several files; give the directory" +
                       (directory.empty() ? "" : " " + directory.string()));
    }
    files.safetensors = {path};
    add_config_beside(files, directory);
  } else if (ending_of(path) == ".json") {
    files.config = path;
  } else {
    throw UsageError(path.string() +
                     ": is no GGUF file, and its name ends in neither .safetensors "
                     "nor .json");
  }
  return files;
}

}  // namespace

std::string model_name_of(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::absolute(path, error).lexically_normal();
  if (error) whole = path;
  if (!whole.has_filename()) whole = whole.parent_path();  // written with a slash at its end
  if (directory_exists(whole)) {
    const std::string name = name_in_hf_cache(whole);
    return plain_model_name(name.empty() ? whole.filename().string() : name);
  }
  // Most files of a checkpoint are called alike; then the directory has the model's name.
  const std::string file = whole.filename().string();
  const bool usual = file == config_name || file.starts_with("model.safetensors") ||
                     file.starts_with("model-") || file.starts_with("consolidated");
  return usual ? model_name_of(whole.parent_path()) : plain_model_name(whole.stem().string());
}

std::optional<ModelFiles> find_model_files(std::string_view given, const Environment& environment) {
  fs::path path(given);
  std::error_code error;
  if (!fs::exists(path, error)) {
    const auto snapshot = find_in_hf_cache(given, environment);
    if (!snapshot) return std::nullopt;
    path = *snapshot;
  }
  ModelFiles files = files_of(path);
  files.name = model_name_of(path);
  return files;
}

}  // namespace offload
