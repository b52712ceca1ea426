// SPDX-License-Identifier: Apache-2.0
// Model files that the tests write themselves, sound ones and broken ones.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

/// Whether an error's text holds `part`.
::testing::AssertionResult says(std::string_view text, std::string_view part);

/// A directory that goes with the object.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  /// Writes a file, and the directories it stands in; returns its path.
  std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// `value` in `bytes` little-endian bytes.
std::string little_endian(std::uint64_t value, std::size_t bytes);

/// A GGUF header, piece by piece. Nothing is checked: lies are what it is for.
class GgufWriter {
 public:
  enum Type : std::uint32_t {
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    f32,
    boolean,
    text,
    array,
    u64,
    i64,
    f64
  };
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dimensions;  // ggml's order: innermost first
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
  };

  std::uint32_t version = 3;
  std::optional<std::uint64_t> claimed_keys;  // instead of the true number
  std::optional<std::uint64_t> claimed_tensors;
  std::vector<Tensor> tensors;

  GgufWriter& key(std::string_view name, std::uint32_t type, std::string_view value);
  GgufWriter& key_u32(std::string_view name, std::uint32_t value);
  GgufWriter& key_text(std::string_view name, std::string_view value);
  std::string header() const;

  static std::string counted(std::string_view text);  // its length, then the text

 private:
  std::string keys_;
  std::uint64_t key_count_ = 0;
};

/// A llama of one layer with an embedding, a head, and Q4_K weights.
GgufWriter small_gguf();

/// A safetensors header with the tensors one after another, without their data.
class Checkpoint {
 public:
  Checkpoint& add(const std::string& name, const std::string& dtype, const std::string& shape,
                  std::uint64_t bytes);
  std::string header() const;

 private:
  std::string json_;
  std::uint64_t end_ = 0;
};

/// The length of `header`, `header`, and that many bytes of data.
std::string safetensors_file(std::string_view header, std::size_t data_bytes = 0);

}  // namespace offload
