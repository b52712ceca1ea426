// SPDX-License-Identifier: Apache-2.0
// What the fuzzers, and the test that replays their corpus, do with a file's content.
#pragma once
#include <string_view>

namespace offload {

/// Whether the reader took the content. What it does not take it must refuse by a UsageError of one
/// printable line; any other exception passes through.
bool takes_gguf(std::string_view content);
/// Content that begins with '{' gets its length in front: no mutation keeps that right.
bool takes_safetensors(std::string_view content);

}  // namespace offload
