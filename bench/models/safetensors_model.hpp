// SPDX-License-Identifier: Apache-2.0
// A model from safetensors headers: one file, several, or those that an index names. What they do
// not say stays empty: the architecture, and how many experts a token takes.
#pragma once
#include <filesystem>
#include <span>
#include <vector>

#include "bench/models/safetensors.hpp"
#include "offload/model.hpp"

namespace offload {

/// Throws UsageError for files that are no sound safetensors, or no whole model together.
Model read_safetensors(std::span<const std::filesystem::path> files);

/// All files that a "model.safetensors.index.json" names, which lie beside it. Of tensors that the
/// index does not name, or places in another file, nothing is taken.
Model read_safetensors_index(const std::filesystem::path& index);

/// The same from tensors already read; `source` is the file to name.
Model model_from(std::vector<SafetensorsTensor> tensors, const std::filesystem::path& source);

}  // namespace offload
