// SPDX-License-Identifier: Apache-2.0
// The flags by which an engine offloads what a run has offloaded, with the model's own figures.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/models/offload_rules.hpp"
#include "offload/weights.hpp"

namespace offload {

/// "vLLM --x" and "SGLang --y" of "vLLM --x; SGLang --y".
std::vector<std::string> alternatives(std::string_view flags);

/// `flags` as a policy names them, "vLLM --offload-backend uva --cpu-offload-gb X; SGLang ...": X,
/// G, N and S become the figures of the rules that were given, and the names which those rules are
/// limited to follow. Where the rules are another engine's, they become figures that offload at
/// least as many bytes of `model`, of other layers. Of alternatives that differ in what they
/// offload (llama.cpp's -ngl and -ncmoe) the one that fits stays, with both where both were given.
/// "" stays "". Where `tensor_parallel` GPUs share the model, alternatives say so, and those of
/// engines that have no such thing (llama.cpp divides rows otherwise) are left out.
std::string engine_flags(std::string_view flags, const OffloadRules& rules, const ModelSlice& model,
                         std::size_t tensor_parallel = 1);

/// " --tensor-parallel-size 4" of vLLM, " --tp-size 4" of SGLang; "" for one GPU, and for others.
std::string tensor_parallel_option(std::string_view engine, std::size_t gpus);

}  // namespace offload
