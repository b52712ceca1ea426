// SPDX-License-Identifier: Apache-2.0
// What a checkpoint's tensor is, told from its name: Hugging Face's ("model.layers.3.mlp.up_proj.
// weight") and llama.cpp's ("blk.3.ffn_up.weight"), of any architecture that keeps their habits.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// Where in a model a tensor stands. The views look into the name it was made from.
struct TensorPlace {
  std::string_view stack;  // what counts the layers: "model.layers", "blk", "visual.blocks"
  std::optional<std::uint64_t> layer;
  std::string_view rest;  // of the name: "mlp.up_proj.weight"; all of it outside the layers
};
TensorPlace place_of(std::string_view name);

/// Text is what decoding a token runs through; towers for images and sound, and layers that draft
/// tokens ahead ("mtp"), are not.
bool is_text(std::string_view stack_or_name);

Part part_in_layer(std::string_view rest);
Part part_outside(std::string_view name);

/// The number of the expert that a tensor of one expert belongs to.
std::optional<std::uint64_t> expert_of(std::string_view rest);

/// Tensors of one layer sorted by this stand in the order in which they are used: attention before
/// the feed-forward part, inputs before outputs, a weight before its scales and its bias. Stage of
/// the layer, expert, step of the stage, component of the module.
using ExecutionOrder = std::tuple<int, std::uint64_t, int, int>;
ExecutionOrder order_in_layer(std::string_view rest);

/// `text` as a part of benchmark names: every other character than letters, digits and . _ - +
/// becomes a dash. "model" when nothing is left.
std::string plain_model_name(std::string_view text);

}  // namespace offload
