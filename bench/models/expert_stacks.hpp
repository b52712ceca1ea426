// SPDX-License-Identifier: Apache-2.0
// Which tensors of a layer hold all of its experts at once, where their names do not say so.
#pragma once
#include <string>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// How many experts the layer's router chooses among; 0 without one.
std::uint64_t routed_experts(const ModelLayer& layer);

/// Makes Part::mlp of a gate that routes nothing, and Part::experts of every stack [E, rows, cols]
/// of the layer, whatever its name, and such a stack of experts that lie below each other as [E *
/// rows, cols]; E is what the router shows. Throws UsageError naming `source` for experts whose
/// number cannot be told.
void find_expert_stacks(ModelLayer& layer, const std::string& source);

/// Moves the experts that only images use out of `layer`, to `aside`: where there is a router for
/// them beside that for text, they stand behind the experts for text (ERNIE 4.5 VL). Throws
/// UsageError naming `source` when that one does not show how many these are.
void set_aside_image_experts(std::vector<ModelTensor>& layer, std::vector<ModelTensor>& aside,
                             const std::string& source);

/// Throws UsageError naming `source` when something routes tokens to experts and none were found.
void refuse_unknown_experts(const Model& model);

}  // namespace offload
