// SPDX-License-Identifier: Apache-2.0
// Which of a model's linear weights live where, told by kinds of layers, for people to read.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/models/offload_rules.hpp"
#include "offload/model.hpp"
#include "offload/weights.hpp"

namespace offload {

/// Layers alike in the names and sizes of their weights and in which of these are offloaded.
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
