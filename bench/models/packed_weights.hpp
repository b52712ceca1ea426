// SPDX-License-Identifier: Apache-2.0
// Quantised checkpoints keep scales beside weights, and several weights in one stored element.
#pragma once
#include <vector>

#include "bench/models/safetensors.hpp"

namespace offload {

/// For each tensor the weights it stands for: 0 for scales, zero points and the like; more than its
/// elements where their number follows from the tensors beside it (MXFP4 blocks, NVFP4, GPTQ, AWQ).
/// Other packings count as stored: their width stands in config.json alone.
std::vector<std::uint64_t> count_parameters(const std::vector<SafetensorsTensor>& tensors);

}  // namespace offload
