// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file: which tensors it holds, and where. The tensors themselves are
// not read, and need not be there.
#pragma once
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace offload {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;  // as the format spells it: "BF16", "F8_E4M3"
  std::vector<std::uint64_t> shape;
  std::uint64_t elements = 0;
  std::uint64_t begin = 0;  // from the beginning of the data
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::string source;
  std::vector<SafetensorsTensor> tensors;  // in the order of their data
};

/// Bits of one element; 0 for a dtype that is not known here.
unsigned safetensors_dtype_bits(std::string_view dtype);

/// The first `size` bytes of `in` as safetensors. Throws UsageError that names `source` and the
/// fault. Headers of more than 100,000,000 bytes are refused, as the format's own library does.
SafetensorsHeader read_safetensors_header(std::istream& in, std::uint64_t size,
                                          const std::string& source);

}  // namespace offload
