// SPDX-License-Identifier: Apache-2.0
// Safetensors: which tensors a file holds, and where, and the model that they make up. Headers
// alone are read; the tensors themselves need not be there. What headers do not say stays empty:
// the architecture, and how many experts a token takes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <istream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/json.hpp"
#include "offload/model.hpp"

namespace offload {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;  // as the format writes it: "BF16", "F8_E4M3"
  std::vector<std::uint64_t> shape;
  std::uint64_t elements = 0;
  std::uint64_t begin = 0;  // from the beginning of the data
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::string source;
  std::vector<SafetensorsTensor> tensors;  // in the order of their data
  std::uint64_t data = 0;                  // where it begins in the file
};

/// Bits of one element; 0 for a dtype that is not known here.
unsigned safetensors_dtype_bits(std::string_view dtype);

/// The first `size` bytes of `in` as safetensors. Throws UsageError that names `source` and the
/// fault. Headers of more than 100,000,000 bytes are refused, as the format's own library does.
SafetensorsHeader read_safetensors_header(std::istream& in, std::uint64_t size,
                                          const std::string& source);
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

/// By the names of files: of each the names of the tensors that are taken from it, sorted.
using TensorsOfFiles = std::map<std::string, std::vector<std::string>, std::less<>>;

/// What a "model.safetensors.index.json" says, all of whose files lie beside it.
TensorsOfFiles read_index(const std::filesystem::path& index);

/// Throws UsageError for files that are not sound safetensors, or not a whole model together. A
/// `config` says how weights are packed where the headers do not.
Model read_safetensors(std::span<const std::filesystem::path> files,
                       const std::optional<JsonValue>& config = std::nullopt);

/// All files that a "model.safetensors.index.json" names, which lie beside it. Of tensors that the
/// index does not name, or places in another file, nothing is taken.
Model read_safetensors_index(const std::filesystem::path& index,
                             const std::optional<JsonValue>& config = std::nullopt);

/// The same from tensors already read; `source` is the file to name.
Model model_from(std::vector<SafetensorsTensor> tensors, const std::filesystem::path& source,
                 const std::optional<JsonValue>& config = std::nullopt);

}  // namespace offload
