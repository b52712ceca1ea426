// SPDX-License-Identifier: Apache-2.0
// Reads the files of a user's model, and never anything else than what was found there first.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "offload/weight_file.hpp"

namespace offload {

/// The file at `path` as it is now. Throws UsageError when it is none that can be read.
WeightFile weight_file_at(const std::string& path);

/// Such a file, open for reading alone.
class OpenWeightFile {
 public:
  /// Throws std::runtime_error where it is not the same any more.
  explicit OpenWeightFile(std::shared_ptr<const WeightFile> file);
  ~OpenWeightFile();
  OpenWeightFile(OpenWeightFile&& other) noexcept;
  OpenWeightFile(const OpenWeightFile&) = delete;
  OpenWeightFile& operator=(const OpenWeightFile&) = delete;
  OpenWeightFile& operator=(OpenWeightFile&&) = delete;

  const WeightFile& file() const { return *file_; }
  int descriptor() const { return descriptor_; }
  /// Throws std::runtime_error where it does not have them all.
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  /// How it differs from what it was, and what to do; nullopt when nobody changed it.
  std::optional<std::string> change() const;

 private:
  std::shared_ptr<const WeightFile> file_;
  int descriptor_ = -1;
};

}  // namespace offload
