// SPDX-License-Identifier: Apache-2.0
// What a checkpoint's tensor is, by its name: Hugging Face's ("model.layers.3.mlp.up_proj.weight")
// and llama.cpp's ("blk.3.ffn_up.weight"), of any architecture that keeps their habits.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "offload/model.hpp"

namespace offload {

/// `text` as a number, if it is 1 to 9 digits.
std::optional<std::uint64_t> parse_digits(std::string_view text);

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

/// Of what stands in a text layer for images or sound alone: their own matrices, or adapters of the
/// text's ("qkv_proj.lora_A.speech.weight").
bool names_tower(std::string_view name);

Part part_in_layer(std::string_view rest);
Part part_outside(std::string_view name);

/// The number of the expert that a tensor of one expert belongs to.
std::optional<std::uint64_t> expert_of(std::string_view rest);

/// Whether `segments` ("experts", "experts.w2_weight") are in `name` as whole dotted segments:
/// not "expert", not "w2".
bool has_name_segments(std::string_view name, std::string_view segments);

/// What follows the layer's number: "self_attn.o_proj.weight" of "model.layers.3.self_attn.o_proj.
/// weight", "ffn_up.weight" of "blk.3.ffn_up.weight". The whole name when it has no number.
std::string_view name_in_layer(std::string_view name);

/// `text` as a part of benchmark names: every other character than letters, digits and . _ - +
/// becomes a dash. "model" when nothing is left.
std::string plain_model_name(std::string_view text);

}  // namespace offload
