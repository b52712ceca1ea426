// SPDX-License-Identifier: Apache-2.0
// From a heap of named tensors to the layers of a model.
#pragma once
#include <string>
#include <vector>

#include "offload/model.hpp"

namespace offload {

/// Fills `model`'s layers, ends and number of experts from `tensors`, of which name, dtype, shape,
/// parameters and bytes are known. The largest stack of numbered text layers is the model; towers
/// for images or sound and layers that only draft tokens go to the ends as Part::other. Empty
/// tensors are dropped. Throws UsageError naming `model.source` when layers are missing.
void arrange_layers(std::vector<ModelTensor> tensors, Model& model);

}  // namespace offload
