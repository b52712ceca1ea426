// SPDX-License-Identifier: Apache-2.0
// A model by whatever the user calls it: a preset's name, a path, or an id in the local cache.
#pragma once
#include <string>

#include "offload/model.hpp"

namespace offload {

/// The checkpoint's own tensors. A config.json beside safetensors tells the architecture and the
/// experts per token; the shapes are the safetensors'. Throws UsageError when nothing of that name
/// is known or readable.
Model load_model(const std::string& given);

}  // namespace offload
