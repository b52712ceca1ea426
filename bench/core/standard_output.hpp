// SPDX-License-Identifier: Apache-2.0
// Data on stdout, which a full disk or a closed pipe must not swallow unnoticed.
#pragma once
#include <string_view>

namespace offload {

/// Call it before any file is opened: one that took the number of a standard stream which is closed
/// would get what is written to that stream. Nothing can be written to what takes it instead.
void keep_standard_streams_apart();

/// Writes `text`, and whatever is still buffered before it. Throws std::runtime_error when any of
/// it did not arrive. Control characters become '?', but for the escapes of a `colored` page.
void write_stdout(std::string_view text, bool colored = false);

/// `text` on standard error as write_stdout() would show it: with data on stdout it is for the eyes
/// only, and nobody may be there to see it.
void write_stderr(std::string_view text, bool colored = false);

/// "offload_bench: " and `text` on standard error, in one line whatever names it quotes.
void write_message(std::string_view text);
/// A message that is no error, unless --quiet was given.
void write_note(std::string_view text, bool quiet);

}  // namespace offload
