// SPDX-License-Identifier: Apache-2.0
// GGUF (versions 2 and 3): what a file says of its model, which tensor lies where, and the model
// that these make up. The header alone is read; the weights need not be there.
#pragma once
#include <cstdint>
#include <filesystem>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// How ggml stores weights: blocks of so many weights in so many bytes.
struct GgmlType {
  std::uint32_t id = 0;
  std::string_view name;  // as ggml writes it: "Q4_K"
  std::uint32_t block_weights = 1;
  std::uint32_t block_bytes = 0;
};

/// nullptr for a type that ggml does not have.
const GgmlType* find_ggml_type(std::string_view name);

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

  /// Where the data begins in the file.
  std::uint64_t data() const { return (header_bytes + alignment - 1) / alignment * alignment; }

  /// The text of `key`; "" when it is absent. Throws UsageError when it is something else.
  std::string text(const std::string& key) const;
  /// Throws UsageError when `key` is there and is not a whole number from 0 to `max`.
  std::optional<std::uint64_t> count(const std::string& key, std::uint64_t max) const;
};

/// The first `size` bytes of `in` as GGUF. Throws UsageError that names `source` and the fault. Of
/// a hostile file no more than 128 MiB are read, and memory is bounded by what was read.
GgufHeader read_gguf_header(std::istream& in, std::uint64_t size, const std::string& source);
GgufHeader read_gguf_header(const std::filesystem::path& path);

/// The files of a model of which `first` is the only one, or the first; they may be missing.
std::vector<std::filesystem::path> gguf_files(const GgufHeader& header,
                                              const std::filesystem::path& first);

/// Throws UsageError for a file that is not a sound GGUF header of a whole model. Given the first
/// file of a split model ("...-00001-of-00003.gguf"), reads the headers of the others beside it.
Model read_gguf(const std::filesystem::path& path);

/// The same from a header already read: of one file, or several put together.
Model model_from(const GgufHeader& header);

}  // namespace offload
