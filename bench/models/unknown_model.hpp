// SPDX-License-Identifier: Apache-2.0
// What to say of a model that is neither a preset nor there.
#pragma once
#include <string>
#include <string_view>

namespace offload {

/// How a name says that weights are stored: "FP8", "GPTQ-Int4", "GGUF:Q4_K_M"; "" where it does
/// not.
std::string_view type_in_name(std::string_view given);

/// One line for `given`, which no preset is called and no file: that a path is not there; that the
/// name says a type which the preset of that name is not in, such as "-FP8" or "-GPTQ-Int4"; or the
/// name that was probably meant.
std::string unknown_model(std::string_view given);

}  // namespace offload
