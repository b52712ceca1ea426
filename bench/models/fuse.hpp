// SPDX-License-Identifier: Apache-2.0
// From a checkpoint's tensors to those an engine holds while it runs.
#pragma once
#include "offload/model.hpp"

namespace offload {

/// vLLM's tensors and names: q, k and v in one, gate and up in one, the routed experts of a layer
/// stacked as experts.w13_weight [E, 2I, H] and experts.w2_weight [E, H, I], the two low-rank
/// inputs of latent attention in one. Parameters and bytes stay the same; what has no fused form
/// (or names of another convention) stays as it is.
Model fused(const Model& checkpoint);

/// Whether a layer's experts, where the checkpoint stacks them itself, are stored as [E, inputs,
/// outputs]; some checkpoints have [E, outputs, inputs].
bool stacked_transposed(const ModelLayer& layer);

}  // namespace offload
