// SPDX-License-Identifier: Apache-2.0
// A model from its config.json, as Hugging Face spells it.
#pragma once
#include <string>

#include "bench/models/json_value.hpp"
#include "offload/model.hpp"

namespace offload {

/// The checkpoint's own tensors: names, shapes and dtypes as its safetensors hold them. Throws
/// UsageError naming `source` when the config is senseless or of an architecture whose tensors do
/// not follow from it.
Model model_from_config(const JsonValue& config, const std::string& name,
                        const std::string& source);

}  // namespace offload
