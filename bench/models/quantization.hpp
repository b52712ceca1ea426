// SPDX-License-Identifier: Apache-2.0
// How a checkpoint's linear weights are quantised, as its config or the file beside it says.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/models/hf_config.hpp"

namespace offload {

/// What a quantised matrix is stored as, and what stands beside it.
enum class QuantizedForm : std::uint8_t {
  fp8_blocks,   // e4m3, one float scale for each block of rows x cols
  fp8_tensors,  // ModelOpt's FP8: e4m3, one float scale for the matrix and one for its inputs
  nvfp4,        // ModelOpt's: two values a byte, an e4m3 scale for each 16, and the two floats
  mxfp4,        // of stacks of experts alone: 32 values of 4 bits in 16 bytes, with one scale byte
};

struct Quantization {
  QuantizedForm form = QuantizedForm::fp8_blocks;
  std::uint64_t rows = 0;  // of a block
  std::uint64_t cols = 0;
  bool kv_scales = false;                      // of cached keys and values, beside their matrices
  std::vector<std::string> kept_modules = {};  // in the model's dtype; with * for any characters
};

/// The config's own word; where it has none, the file beside it, as engines read them. `methods`
/// are those by which models of this architecture may be quantised: "fp8", "modelopt", "mxfp4".
/// Throws UsageError for others.
std::optional<Quantization> read_quantization(const ConfigFields& fields, const std::string& source,
                                              const std::optional<QuantizationFile>& beside,
                                              const std::vector<std::string>& methods);

}  // namespace offload
