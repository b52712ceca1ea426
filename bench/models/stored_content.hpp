// SPDX-License-Identifier: Apache-2.0
// Where in a model's files the bytes of its tensors lie.
#pragma once
#include <string>

#include "offload/model.hpp"

namespace offload {

/// Fills in where the bytes of all tensors of `model`'s layers are stored: of a checkpoint as
/// load_model() reads it from `given`. Throws UsageError for a model of which there is no more than
/// its shapes, and for a file that ends before its tensors do.
void find_stored_content(Model& model, const std::string& given);

}  // namespace offload
