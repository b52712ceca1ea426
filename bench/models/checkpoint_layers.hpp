// SPDX-License-Identifier: Apache-2.0
// The tensors of a Hugging Face checkpoint, by name and shape, as its config implies them.
#pragma once
#include <cstddef>
#include <vector>

#include "bench/models/model_config.hpp"
#include "offload/model.hpp"

namespace offload {

ModelLayer checkpoint_layer(const ModelConfig& config, std::size_t index);

/// Embedding, last norm and, unless tied, head.
std::vector<ModelTensor> checkpoint_ends(const ModelConfig& config);

}  // namespace offload
