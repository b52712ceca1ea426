// SPDX-License-Identifier: Apache-2.0
// The files by which Linux describes a machine other than this one.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace offload::testing {

/// A directory that stands for "/".
class Root {
 public:
  Root() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "platform_test_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Root() { std::filesystem::remove_all(path_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const std::filesystem::path& name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  void write_cache(int cpu, int index, int level, std::string_view size,
                   std::string_view shared_with) const {
    const std::filesystem::path at = std::filesystem::path("sys/devices/system/cpu") /
                                     ("cpu" + std::to_string(cpu)) / "cache" /
                                     ("index" + std::to_string(index));
    write(at / "level", std::to_string(level) + "\n");
    write(at / "type", "Unified\n");
    write(at / "size", std::string(size) + "\n");
    write(at / "shared_cpu_list", std::string(shared_with) + "\n");
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace offload::testing
