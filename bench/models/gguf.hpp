// SPDX-License-Identifier: Apache-2.0
// The header of a GGUF file (versions 2 and 3): what the model is, and where which tensor lies. The
// weights themselves are not read, and need not be there.
#pragma once
#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bench/models/ggml_types.hpp"

namespace offload {

struct GgufTensor {
  std::string name;
  GgmlType type;
  std::vector<std::uint64_t> shape;  // row-major, outermost first: the file's dimensions reversed
  std::uint64_t weights = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;  // from the beginning of the data
};

struct GgufHeader {
  using Value = std::variant<std::uint64_t, std::int64_t, double, bool, std::string>;
  std::string source;
  std::uint32_t version = 0;
  std::uint64_t alignment = 32;
  std::map<std::string, Value> values;  // without arrays and long texts (vocabulary, templates)
  std::vector<GgufTensor> tensors;      // in the file's order
  std::uint64_t header_bytes = 0;       // to the end of the last tensor's description

  /// The text of `key`; "" when it is absent. Throws UsageError when it is something else.
  std::string text(const std::string& key) const;
  /// Throws UsageError when `key` is there and is no whole number from 0 to `most`.
  std::optional<std::uint64_t> count(const std::string& key, std::uint64_t most) const;
};

/// The first `size` bytes of `in` as GGUF. Throws UsageError that names `source` and the fault. Of
/// a hostile file no more than 128 MiB are read, and memory is bounded by what was read.
GgufHeader read_gguf_header(std::istream& in, std::uint64_t size, const std::string& source);

}  // namespace offload
