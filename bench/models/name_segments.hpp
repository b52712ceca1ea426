// SPDX-License-Identifier: Apache-2.0
// Dotted tensor names, and parts of them.
#pragma once
#include <string_view>

namespace offload {

/// Whether `segments` ("experts", "experts.w2_weight") stand in `name` as whole dotted segments:
/// not "expert", not "w2".
bool has_name_segments(std::string_view name, std::string_view segments);

/// What follows the layer's number: "self_attn.o_proj.weight" of "model.layers.3.self_attn.o_proj.
/// weight", "ffn_up.weight" of "blk.3.ffn_up.weight". The whole name when it has no number.
std::string_view name_in_layer(std::string_view name);

}  // namespace offload
