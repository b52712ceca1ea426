// SPDX-License-Identifier: Apache-2.0
// The models that have a name, and their weights, by the names vLLM gives its fused ones.
#pragma once
#include <optional>
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
  /// The fields of its config.json that give shapes; "aliases", by which people know it; and
  /// "also", other models whose tensors have the same names, shapes and dtypes; and, of those of
  /// either that have another, "max_position_embeddings_of".
  std::string_view json;
};

std::span<const PresetFile> preset_files();

inline constexpr std::string_view preset_source = "preset";  // Model::source of all of them

/// In the order of their names, sizes by number.
std::vector<std::string_view> preset_models();

/// The canonical name of a model, from that name or its Hugging Face id (with or without the
/// organisation, with or without the dtype it is in: "-bf16") in any case; "" if unknown. A dash
/// between a letter and a digit may be left out: llama-3.1-8b.
std::string_view find_preset_model(std::string_view name);

/// A model that is not a preset, and the preset that has its shapes.
struct SameShapes {
  std::string_view model;  // its short name or its id
  std::string_view preset;

  /// "Qwen/Qwen2-7B has the shapes of qwen2.5-7b"
  std::string sentence() const;
};

/// By preset, in the order of the files.
const std::vector<SameShapes>& models_of_same_shapes();

/// For a name of such a model, spelled as freely as find_preset_model takes it, or of weights of
/// it, as find_preset_weights does.
std::optional<SameShapes> find_same_shapes(std::string_view name);
std::optional<SameShapes> find_same_shapes_of_weights(std::string_view name);

/// A Hugging Face id of the model of that name, which find_preset_model or find_same_shapes knows:
/// the name itself where it is one. "" if unknown.
std::string hugging_face_id(std::string_view name);

/// What the weights of a preset are in: "bf16", "fp8", "mxfp4".
std::string_view preset_type(std::string_view canonical_name);

/// The whole checkpoint of a model that find_preset_model or find_same_shapes knows, under the
/// preset's name, with the context of the one that is named. Throws UsageError for another.
Model preset_model(std::string_view name);

/// One WeightSet per distinct linear weight of a layer, named "<model>.<projection>", for example
/// llama3.1-8b.down_proj; of experts, one expert's matrix. Those in dtypes that DType lacks are
/// left out.
std::vector<WeightSet> preset_weights();

/// One WeightSet per model that has experts, named "<model>.experts": all tensors of the routed
/// experts of its first layer that has them, stacked.
std::vector<WeightSet> preset_experts();

/// What `name` stands for, in any case, under the preset's name: a model (every projection), a
/// projection, a model's experts, or a projection in another dtype, such as
/// llama3.1-8b.down_proj.fp8_e4m3. "q4" in its place is the projection in 4 bits, each row as
/// kernels/nested.hpp lays it out. Of a model that so many GPUs share, those of one.
/// Empty when there is no such weight. Throws as sharded() does.
std::vector<WeightSet> find_preset_weights(std::string_view name, std::size_t tensor_parallel = 1);

}  // namespace offload
