// SPDX-License-Identifier: Apache-2.0
// Which of a model's tensors live in host memory, by the options of the engines that offload; and
// the same for people to read, by kinds of layers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "offload/model.hpp"
#include "offload/weights.hpp"

namespace offload {

/// Names and defaults are vLLM's; n_cpu_moe and n_gpu_layers are llama.cpp's.
struct OffloadRules {
  double cpu_offload_gb = 0;                         // GiB; 0: no budget
  std::vector<std::string> cpu_offload_params = {};  // name segments; empty: all
  std::size_t group_size = 0;                        // 0: no groups
  std::size_t num_in_group = 1;
  std::size_t prefetch_step = 1;                 // layers ahead
  std::vector<std::string> offload_params = {};  // name segments; empty: all of the layers chosen
  std::optional<std::size_t> n_cpu_moe = {};
  std::optional<std::size_t> n_gpu_layers = {};  // the output layer is one of them

  bool any() const {
    return cpu_offload_gb > 0 || group_size > 0 || n_cpu_moe.has_value() ||
           n_gpu_layers.has_value();
  }
};

struct Offloading {
  std::vector<std::vector<bool>> tensors;  // one flag per tensor of each layer
  std::vector<std::string> warnings;       // of rules that have no effect
};

/// Budget: layers in order, each parameter in the order vLLM's modules register them, until the
/// budget is reached; the one that reaches it still goes. Groups: the last num_in_group layers of
/// each group_size; with both, groups win. n_cpu_moe: the experts of the first layers.
/// n_gpu_layers: all of the layers but the last n_gpu_layers - 1, for llama.cpp puts the output
/// layer on the GPU first; both of llama.cpp's may be given. No rule: every linear weight, with its
/// scales. Names are matched within a layer, by whole segments.
/// Throws UsageError for rules that contradict each other or name nothing the model has.
Offloading offloading(const Model& model, const OffloadRules& rules);

/// Layers that agree in the names and sizes of their weights and in which of these are offloaded.
struct LayerKind {
  std::vector<std::size_t> layers;        // ascending
  std::vector<std::string> offloaded;     // "qkv_proj", "experts.w2_weight"
  std::vector<std::string> resident;      // likewise
  std::vector<std::uint64_t> bytes = {};  // of one layer's weights, in the model's order
  std::uint64_t offloaded_bytes = 0;      // of all these layers
  std::uint64_t resident_bytes = 0;
};

struct ModelLayout {
  std::string model;
  std::vector<LayerKind> kinds;       // by their first layer
  std::vector<std::string> warnings;  // of rules that have no effect
  ModelSlice slice;                   // what of it is measured
  bool experts = false;               // a pass reads those that are chosen
};

ModelLayout layout_of(const Model& model, const Offloading& offloading, const ModelSlice& slice);

/// "0-17", "6-7, 14-15, ..., 78-79".
std::string layer_ranges(const std::vector<std::size_t>& layers);

}  // namespace offload
