// SPDX-License-Identifier: Apache-2.0
// From a heap of named tensors to the layers of a model, each in the order in which it runs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// Tensors of one layer sorted by this stand in the order in which they are used: attention before
/// the feed-forward part, inputs before outputs, a weight before its scales and its bias. Stage of
/// the layer, expert, step of the stage, component of the module.
using ExecutionOrder = std::tuple<int, std::uint64_t, int, int>;
ExecutionOrder order_in_layer(std::string_view rest, Part part);

/// Fills `model`'s layers, ends and number of experts from `tensors`, of which name, dtype, shape,
/// parameters and bytes are known. The largest stack of numbered text layers is the model; towers
/// for images or sound, layers that only draft tokens and other stacks go to the ends. Empty
/// tensors are dropped. Throws UsageError naming `model.source` when layers are missing, when
/// experts cannot be told, and for an encoder with a decoder.
void arrange_layers(std::vector<ModelTensor> tensors, Model& model);

/// Takes out of a tensor's name what an adapter beside it has put there: q_proj.weight, by which
/// engines know the matrix, for q_proj.base_layer.weight.
void drop_adapted_module(std::string& name);

/// Puts one more layer, of these tensors of its own, behind those of `model`, or one more tensor
/// beside them.
void add_layer(std::vector<ModelTensor> tensors, Model& model);
void add_end(ModelTensor tensor, Model& model);

}  // namespace offload
