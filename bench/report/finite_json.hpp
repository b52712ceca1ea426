// SPDX-License-Identifier: Apache-2.0
// Google Benchmark writes not-a-number and infinity as bare words, which no JSON parser accepts.
#pragma once
#include <string>
#include <string_view>

namespace offload {

/// `text` with NaN, Infinity, nan, inf and their negatives, outside strings, replaced by null.
std::string without_non_finite(std::string_view text);

}  // namespace offload
