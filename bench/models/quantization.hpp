// SPDX-License-Identifier: Apache-2.0
// How a checkpoint's linear weights are quantised, as its config or the file beside it says, and
// the tensors that they are stored as.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/hf_config.hpp"
#include "bench/models/kept_modules.hpp"
#include "offload/model.hpp"

namespace offload {

/// What a quantised matrix is stored as, and what stands beside it.
enum class QuantizedForm : std::uint8_t {
  fp8_blocks,    // e4m3, one float scale for each block of rows x cols
  fp8_tensors,   // ModelOpt's FP8: e4m3, one float scale for the matrix and one for its inputs
  nvfp4,         // ModelOpt's: two values a byte, an e4m3 scale for each 16, and the two floats
  mxfp4,         // of stacks of experts alone: 32 values of 4 bits in 16 bytes, and a scale byte
  scaled,        // compressed-tensors': integers or e4m3 of 8 bits, scales in the model's dtype
  packed_words,  // compressed-tensors': integers of few bits along the rows of 32-bit words
  packed_nvfp4,  // compressed-tensors': as ModelOpt's, by other names
  packed_mxfp4,  // compressed-tensors': two values a byte, a power of two for each 32
  gptq,          // words along the columns, zero points, the group of each input
  awq,           // words along the rows of the transposed matrix, zero points
  bnb_4bit,      // bitsandbytes': two values a byte in one column, a scale for each 64
  bnb_int8,      // bitsandbytes': a float scale for each row
};

inline constexpr std::uint64_t mxfp4_block = 32;  // elements that share one scale

struct Quantization {
  QuantizedForm form = QuantizedForm::fp8_blocks;
  std::uint64_t rows = 0;  // of a block that shares a scale; 0: all of them
  std::uint64_t cols = 0;
  std::uint64_t bits = 0;         // of a weight in a word
  std::string dtype = {};         // of scaled weights, as safetensors writes it
  bool zero_points = false;       // of packed words
  bool ordered = false;           // packed words have the group of each input
  bool input_scale = false;       // one for all inputs of a matrix
  bool nested = false;            // bitsandbytes' scales are quantised too
  bool kv_scales = false;         // of cached keys and values, beside their matrices
  KeptModules kept_modules = {};  // in the model's dtype
  std::string source = {};        // what says all this
};

/// The config's own word; where it has none, the file beside it, as engines read them. `methods`
/// are those by which models of this architecture may be quantised: "fp8", "modelopt", "mxfp4".
/// Throws UsageError for others.
std::optional<Quantization> read_quantization(const ConfigFields& fields, const std::string& source,
                                              const std::optional<QuantizationFile>& beside,
                                              const std::vector<std::string>& methods);

/// By a config's quantization_config, whose `quant_method` is `method`; nullopt for one that is not
/// known. Throws UsageError for what is not supported of one that is.
std::optional<Quantization> quantization_by(std::string_view method, const ConfigFields& fields,
                                            const std::string& source);

/// A matrix before it is quantised, or a stack of one for each expert.
struct QuantizedMatrix {
  std::string module;
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  Part part = Part::other;
  std::string dtype;          // the model's
  std::uint64_t experts = 0;  // of a stack; 0: a matrix by itself
};

/// The tensors that it is in the checkpoint: names, dtypes, shapes. Throws UsageError where the
/// sizes do not fit the quantisation.
std::vector<ModelTensor> tensors_of(const QuantizedMatrix& matrix,
                                    const Quantization& quantization);

}  // namespace offload
