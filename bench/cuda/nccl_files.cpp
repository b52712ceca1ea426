// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>

#include "offload/cuda/communicator.hpp"

namespace offload::cuda {
namespace {

constexpr std::string_view file_name = "libnccl.so.2";

void add_package(const std::filesystem::path& packages, std::vector<std::string>& files) {
  const auto file = packages / "nvidia/nccl/lib" / file_name;
  std::error_code failed;
  if (std::filesystem::is_regular_file(file, failed)) files.push_back(file.string());
}

/// In the packages of every Python 3 below `lib`, the newest name last as directories sort.
void add_pythons(const std::filesystem::path& lib, std::vector<std::string>& files) {
  std::error_code failed;
  std::vector<std::filesystem::path> pythons;
  for (std::filesystem::directory_iterator entry(lib, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().filename().string().starts_with("python3")) pythons.push_back(entry->path());
  }
  std::sort(pythons.begin(), pythons.end());
  for (const auto& python : pythons) {
    add_package(python / "site-packages", files);
    add_package(python / "dist-packages", files);
  }
}

}  // namespace

std::vector<std::string> nccl_files(const std::function<const char*(const char*)>& variable) {
  const auto value = [&variable](const char* name) {
    const char* const text = variable(name);
    return std::string(text != nullptr ? text : "");
  };
  if (auto named = value("OFFLOAD_BENCH_NCCL"); !named.empty()) return {std::move(named)};
  std::vector<std::string> files{std::string(file_name)};
  for (const char* const prefix : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    const std::filesystem::path root = value(prefix);
    if (root.empty()) continue;
    std::error_code failed;
    const auto own = root / "lib" / file_name;
    if (std::filesystem::is_regular_file(own, failed)) files.push_back(own.string());
    add_pythons(root / "lib", files);
  }
  std::istringstream python_path(value("PYTHONPATH"));
  for (std::string folder; std::getline(python_path, folder, ':');) {
    if (!folder.empty()) add_package(folder, files);
  }
  if (const auto home = value("HOME"); !home.empty()) add_pythons(home + "/.local/lib", files);
  add_pythons("/usr/local/lib", files);
  add_pythons("/usr/lib", files);
  return files;
}

}  // namespace offload::cuda
