// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry: the GGUF reader.
#include <cstddef>
#include <cstdint>

#include "tests/unit/fuzz/readers.hpp"

// The name and the types are libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  offload::takes_gguf({reinterpret_cast<const char*>(data), size});
  return 0;
}
