// SPDX-License-Identifier: Apache-2.0
// The models that have a name, and their weights, by the names vLLM gives its fused ones.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "offload/model.hpp"
#include "offload/weights.hpp"

namespace offload {

/// A file bench/models/presets/<name>.json, built into the program.
struct PresetFile {
  std::string_view name;  // of the model and of its file
  std::string_view json;  // the fields of its config.json that give shapes, and "aliases"
};

std::span<const PresetFile> preset_files();

/// In the order of their names, sizes by number.
std::vector<std::string_view> preset_models();

/// The canonical name of a model, from that name or its Hugging Face id (with or without the
/// organisation) in any case; "" if unknown.
std::string_view find_preset_model(std::string_view name);

/// The whole checkpoint of a model that find_preset_model knows. Throws UsageError for another.
Model preset_model(std::string_view name);

/// One WeightSet per distinct linear weight of a layer, named "<model>.<projection>", for example
/// llama3.1-8b.down_proj; of experts, one expert's matrix. Those in dtypes that DType lacks are
/// left out.
std::vector<WeightSet> preset_weights();

/// One WeightSet per model that has experts, named "<model>.experts": all tensors of the routed
/// experts of its first layer that has them, stacked.
std::vector<WeightSet> preset_experts();

/// What `name` stands for, in any case: a model (every projection), a projection, a model's
/// experts, or a projection in another dtype, such as llama3.1-8b.down_proj.fp8_e4m3. "q4" in its
/// place is the projection in 4 bits, each row as kernels/nested.hpp lays it out. Empty when there
/// is no such weight.
std::vector<WeightSet> find_preset_weights(std::string_view name);

}  // namespace offload
