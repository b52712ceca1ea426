// SPDX-License-Identifier: Apache-2.0
#include "bench/models/hf_cache.hpp"

#include <cstdlib>
#include <vector>

#include "bench/core/names.hpp"
#include "bench/core/files.hpp"
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

}  // namespace

std::string process_environment(const std::string& variable) {
  // Read before any thread is started.
  const char* const value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
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

}  // namespace offload
