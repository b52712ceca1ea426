// SPDX-License-Identifier: Apache-2.0
// Names that users type: how they may look, and what to say when one is unknown.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace offload {

/// Letters, digits and . _ - + only: safe in a benchmark name, a filter, a CSV cell and a file
/// name.
bool is_plain_name(std::string_view name);

std::string to_lower(std::string_view text);

/// The candidate that `given` most likely meant to be, ignoring case; "" when none is near.
std::string_view closest(std::string_view given, std::span<const std::string_view> candidates);

/// "unknown <kind> 'x': did you mean 'y'?", or the candidates themselves when none is near.
std::string unknown_name(std::string_view kind, std::string_view given,
                         std::span<const std::string_view> candidates);

}  // namespace offload
