// SPDX-License-Identifier: Apache-2.0
// A weight of one's own, in words: my_proj:4096x14336:bf16.
#pragma once
#include <string_view>

#include "offload/weights.hpp"

namespace offload {

/// NAME:ROWSxCOLS:DTYPE. Throws UsageError for anything else.
WeightTensor parse_tensor(std::string_view text);

}  // namespace offload
