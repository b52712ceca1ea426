// SPDX-License-Identifier: Apache-2.0
// What the fuzzers, and the test that replays their corpora, do with an input.
#pragma once
#include <string_view>

namespace offload::fuzz {

// Each says whether the reader took the input. What it does not take it must refuse by a UsageError
// of one printable line; any other exception passes through.

bool takes_gguf(std::string_view content);
/// Content that begins with '{' gets its length in front: no mutation keeps that right.
bool takes_safetensors(std::string_view content);
/// A model.safetensors.index.json beside two files that hold what that of tests/data names.
bool takes_index(std::string_view content);

bool takes_config(std::string_view content);
/// An hf_quant_config.json beside the config.json of a dense model.
bool takes_quantization(std::string_view content);
/// With the fields of a small config.
bool takes_expression(std::string_view expression);

/// Results of this program, or the profile of a platform.
bool takes_machine(std::string_view content);
/// What is kept of a calibration: whatever is wrong with it, there is none then.
bool takes_calibration(std::string_view content);

/// An argument a line.
bool takes_command_line(std::string_view lines);
/// What flags are given: sizes, rates, tensors, and lists such as the kernel writes.
bool takes_values(std::string_view text);

}  // namespace offload::fuzz
