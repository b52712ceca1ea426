// SPDX-License-Identifier: Apache-2.0
// A model from the header of a GGUF file, or of all files it was split into.
#pragma once
#include <filesystem>

#include "bench/models/gguf.hpp"
#include "offload/model.hpp"

namespace offload {

/// Throws UsageError for a file that is no sound GGUF header of a whole model. Given the first file
/// of a split model ("...-00001-of-00003.gguf"), reads the headers of the others beside it.
Model read_gguf(const std::filesystem::path& path);

/// The same from a header already read: of one file, or several put together.
Model model_from(const GgufHeader& header);

}  // namespace offload
