// SPDX-License-Identifier: Apache-2.0
// A small model with its bytes, as a checkpoint's directory holds it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/model_files.hpp"

namespace offload::testing {

/// A llama of two layers, bf16, in "model.safetensors". Of each matrix the first rows are such as
/// real ones have: one of zeros, one that a single large weight decides, one of subnormal numbers.
class StoredModel {
 public:
  /// The data begins at a multiple of 8 bytes, and `shift` more.
  explicit StoredModel(std::size_t shift = 0);

  std::string directory() const { return directory_.path().string(); }
  std::filesystem::path file() const { return directory_.path() / "model.safetensors"; }
  /// The bytes of a tensor, by its name in the file.
  std::string bytes(const std::string& name) const;
  /// Where they begin.
  std::uint64_t offset(const std::string& name) const;
  /// Puts one value, a bf16 code, into a tensor of the file.
  void set(const std::string& name, std::size_t element, std::uint16_t code);

  static constexpr std::size_t hidden = 64;
  static constexpr std::size_t kv = 32;
  static constexpr std::size_t inner = 96;
  static constexpr std::size_t layers = 2;

 private:
  struct Place {
    std::string name;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::uint64_t begin = 0;  // in the data
  };
  void add(std::string name, std::size_t rows, std::size_t cols);
  const Place& place(const std::string& name) const;

  TempDirectory directory_;
  std::vector<Place> places_;
  std::string data_;
  std::uint64_t data_begin_ = 0;
};

}  // namespace offload::testing
