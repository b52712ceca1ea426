// SPDX-License-Identifier: Apache-2.0
// How values are written where people read them.
#pragma once
#include <string>
#include <string_view>

namespace offload {

/// `text` in single quotes, fit for one line of an error message whoever wrote it: characters that
/// are not printable ASCII become '?', and what exceeds 80 characters is cut off.
std::string in_quotes(std::string_view text);

}  // namespace offload
