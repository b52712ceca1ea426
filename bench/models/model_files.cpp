// SPDX-License-Identifier: Apache-2.0
// Which files of a model are there to be read.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <vector>

#include "bench/core/files.hpp"
#include "bench/core/names.hpp"
#include "bench/models/load.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view cache_prefix = "models--";

bool is_directory_there(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// Where Hugging Face's library keeps what it downloaded, by the rules of that library.
fs::path cache_directory(const Environment& environment) {
  if (const auto hub = environment("HF_HUB_CACHE"); !hub.empty()) return hub;
  if (const auto home = environment("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  if (const auto cache = environment("XDG_CACHE_HOME"); !cache.empty()) {
    return fs::path(cache) / "huggingface" / "hub";
  }
  const auto home = environment("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache" / "huggingface" / "hub";
}

/// "org/Name", with nothing in it that could lead elsewhere.
bool is_id(std::string_view given) {
  const auto slash = given.find('/');
  return slash != std::string_view::npos && is_plain_name(given.substr(0, slash)) &&
         is_plain_name(given.substr(slash + 1)) && given.find("..") == std::string_view::npos;
}

/// The snapshot that refs/main names; where it names none, the only one there.
fs::path snapshot_in(const fs::path& repository) {
  const fs::path snapshots = repository / "snapshots";
  const std::string revision{trimmed(read_text(repository / "refs" / "main"))};
  if (!revision.empty() && is_plain_name(revision) && revision.front() != '.' &&
      is_directory_there(snapshots / revision)) {
    return snapshots / revision;
  }
  std::vector<fs::path> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(snapshots, error)) {
    if (is_directory_there(entry.path())) all.push_back(entry.path());
  }
  if (all.size() == 1) return all.front();
  throw UsageError(repository.string() + ": holds " + std::to_string(all.size()) +
                   " snapshots, none of them named by refs/main; give the directory of one");
}

std::optional<fs::path> find_in_hf_cache(std::string_view id, const Environment& environment) {
  if (!is_id(id)) return std::nullopt;
  const auto slash = id.find('/');
  const std::string wanted = to_lower(std::string(cache_prefix) + std::string(id.substr(0, slash)) +
                                      "--" + std::string(id.substr(slash + 1)));
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(cache_directory(environment), error)) {
    if (to_lower(entry.path().filename().string()) == wanted && is_directory_there(entry.path())) {
      return snapshot_in(entry.path());
    }
  }
  return std::nullopt;
}

std::string name_in_hf_cache(const fs::path& directory) {
  if (directory.parent_path().filename() != "snapshots") return {};
  const std::string repository = directory.parent_path().parent_path().filename().string();
  if (!repository.starts_with(cache_prefix)) return {};
  return repository.substr(repository.rfind("--") + 2);
}

constexpr std::string_view config_name = "config.json";
constexpr std::string_view index_name = "model.safetensors.index.json";
// By NVIDIA's ModelOpt; by older versions of AutoGPTQ and AutoAWQ.
constexpr auto quantization_names = std::to_array<std::string_view>(
    {"hf_quant_config.json", "quantize_config.json", "quant_config.json"});

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

bool is_one_of_several(const fs::path& path) {
  const auto numbered = numbered_file(path);
  return numbered && numbered->count > 1;
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

void add_quantization_beside(ModelFiles& files, const fs::path& directory) {
  for (const std::string_view name : quantization_names) {
    if (!files.quantization && file_exists(directory / name)) files.quantization = directory / name;
  }
}

void add_config_beside(ModelFiles& files, const fs::path& directory) {
  if (!file_exists(directory / config_name)) return;
  files.config = directory / config_name;
  add_quantization_beside(files, directory);
}

/// Without an index, the numbers in their names say which files belong together and how many there
/// are: a model that lacks some of its layers would pass for a smaller one.
std::vector<fs::path> whole_set(std::vector<fs::path> files, const fs::path& directory) {
  std::map<std::string, std::vector<fs::path>> sets;
  for (fs::path& file : files) sets[numbered_file(file)->set].push_back(std::move(file));
  auto chosen = sets.begin();
  if (sets.size() > 1) chosen = sets.find("model");  // the usual name
  if (chosen == sets.end()) {
    throw UsageError(directory.string() + ": holds " + std::to_string(sets.size()) +
                     " sets of numbered safetensors files and no index; give the index of the one "
                     "that is meant");
  }
  const std::vector<fs::path>& set = chosen->second;
  const std::uint64_t count = numbered_file(set.front())->count;
  std::set<std::uint64_t> numbers;
  for (const fs::path& file : set) {
    const NumberedFile name = *numbered_file(file);
    if (name.count != count || name.number < 1 || name.number > count) {
      throw UsageError(file.string() + ": is not one of the files that " +
                       set.front().filename().string() + " is the first of");
    }
    numbers.insert(name.number);
  }
  if (numbers.size() == count) return set;
  std::uint64_t missing = 1;
  while (numbers.contains(missing)) ++missing;
  throw UsageError(set.front().string() + ": is one of " + std::to_string(count) +
                   " files that hold the model, and " + std::to_string(count - numbers.size()) +
                   " of them are not there (the first is number " + std::to_string(missing) +
                   "); their headers alone would do (the first 8 + N bytes)");
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
  std::copy_if(all.begin(), all.end(), std::back_inserter(numbered), is_one_of_several);
  if (!numbered.empty()) {
    files.safetensors = whole_set(std::move(numbered), directory);
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
    const auto numbered = numbered_file(path);
    return numbered && numbered->number != 1;
  });
  if (all.size() > 1) {
    throw UsageError(directory.string() + ": holds " + std::to_string(all.size()) +
                     " GGUF files; give the one that is meant");
  }
  if (!all.empty()) files.gguf = all.front();
}

/// A directory of PEFT's, which may have a copy of the model's config.json beside the adapter.
void refuse_adapter_alone(const ModelFiles& files, const fs::path& directory) {
  constexpr std::string_view adapter = "adapter_config.json";
  if (!file_exists(directory / adapter) || files.index) return;
  const bool others = std::ranges::any_of(files.safetensors, [](const fs::path& file) {
    return !file.filename().string().starts_with("adapter_");
  });
  if (others) return;
  throw UsageError(directory.string() + ": holds an adapter (" + std::string(adapter) +
                   "), which is not a model; give the model that it adapts");
}

ModelFiles files_in(const fs::path& directory) {
  ModelFiles files;
  add_config_beside(files, directory);
  add_safetensors_in(files, directory);
  refuse_adapter_alone(files, directory);
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
    if (is_one_of_several(path)) {
      throw UsageError(path.string() + ": is one of several files; give the directory" +
                       (directory.empty() ? "" : " " + directory.string()));
    }
    files.safetensors = {path};
    add_config_beside(files, directory);
  } else if (ending_of(path) == ".json") {
    files.config = path;
    add_quantization_beside(files, directory);
  } else {
    throw UsageError(path.string() +
                     ": is not a GGUF file, and its name ends in neither .safetensors "
                     "nor .json");
  }
  return files;
}

}  // namespace

std::string process_environment(const std::string& variable) {
  // Read before any thread is started.
  const char* const value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

std::optional<NumberedFile> numbered_file(const fs::path& path) {
  const std::string stem = path.stem().string();
  constexpr std::string_view between = "-of-";
  const std::size_t of = stem.rfind(between);
  if (of == std::string::npos || of == 0) return std::nullopt;
  const std::size_t dash = stem.rfind('-', of - 1);
  if (dash == std::string::npos) return std::nullopt;
  const auto number = parse_digits(std::string_view(stem).substr(dash + 1, of - dash - 1));
  const auto count = parse_digits(std::string_view(stem).substr(of + between.size()));
  if (!number || !count) return std::nullopt;
  return NumberedFile{stem.substr(0, dash), *number, *count};
}

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
  if (usual) return model_name_of(whole.parent_path());
  const auto numbered = numbered_file(whole);  // the first of several has the name of all
  return plain_model_name(numbered ? numbered->set : whole.stem().string());
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
