// SPDX-License-Identifier: Apache-2.0
// The engines' flags with the user's own figures in the place of letters.
#pragma once
#include <string>
#include <string_view>

#include "bench/models/offload_rules.hpp"

namespace offload {

/// `flags` as a policy names them, "vLLM --offload-backend uva --cpu-offload-gb X": the letters of
/// the rules that were given become their figures, and the names those rules are limited to follow.
/// Letters of rules that were not given stay. "" stays "": no engine flag selects the policy.
std::string engine_flags(std::string_view flags, const OffloadRules& rules);

}  // namespace offload
