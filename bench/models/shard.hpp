// SPDX-License-Identifier: Apache-2.0
// What of a model each of several GPUs holds that run it tensor parallel.
#pragma once
#include <cstddef>

#include "offload/model.hpp"

namespace offload {

/// The share of the first of `gpus` GPUs, by vLLM's rules: matrices that make heads, gates or
/// hidden features are divided by their rows, those that take them by their columns, of every
/// expert likewise; keys and values by heads, which are repeated where there are fewer of them than
/// GPUs; embedding and head by the vocabulary, padded to 64. What latent attention makes its cache
/// with, its indexer, routers, norms and biases of what is divided by columns are on every GPU.
/// Scales and zero points follow their weights, and no block of a quantised format is cut; mxfp4
/// experts are divided by blocks, the first GPUs taking one more where they do not divide evenly.
/// The tensors are the checkpoint's own, which fused() joins then as it does the whole model's; of
/// no file, since no file holds a part of every row.
/// Throws UsageError naming the tensor where this cannot be done, and for a module that it is not
/// known of how engines divide it.
Model sharded(const Model& checkpoint, std::size_t gpus);

}  // namespace offload
