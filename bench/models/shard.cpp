// SPDX-License-Identifier: Apache-2.0
#include "bench/models/shard.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/core/text.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/gguf.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

enum class Split : std::uint8_t {
  none,     // on every GPU
  outputs,  // rows
  inputs,   // columns
  queries,  // rows, by heads
  keys,     // rows, by heads of keys and values, of which each GPU has one at least
  heads,    // queries above keys above values
};

struct ModuleSplit {
  std::string_view module;
  Split split;
};
// Names of Hugging Face's checkpoints, then of GGUF files.
constexpr auto module_splits = std::to_array<ModuleSplit>({
    {"q_proj", Split::queries},
    {"k_proj", Split::keys},
    {"v_proj", Split::keys},
    {"qkv_proj", Split::heads},
    {"query_key_value", Split::heads},
    {"Wqkv", Split::heads},
    {"o_proj", Split::inputs},
    {"out_proj", Split::inputs},
    {"dense", Split::inputs},
    {"sinks", Split::queries},
    // Latent attention, and the indexer of its sparse form.
    {"q_a_proj", Split::none},
    {"kv_a_proj_with_mqa", Split::none},
    {"fused_qkv_a_proj", Split::none},
    {"q_b_proj", Split::queries},
    {"kv_b_proj", Split::queries},
    {"wq_b", Split::none},
    {"wk", Split::none},
    {"weights_proj", Split::none},
    // Feed-forward parts and experts.
    {"gate_proj", Split::outputs},
    {"up_proj", Split::outputs},
    {"gate_up_proj", Split::outputs},
    {"down_proj", Split::inputs},
    {"w1", Split::outputs},
    {"w2", Split::inputs},
    {"w3", Split::outputs},
    {"v1", Split::outputs},
    {"input_linear", Split::outputs},
    {"output_linear", Split::inputs},
    {"fc1", Split::outputs},
    {"fc2", Split::inputs},
    {"dense_h_to_4h", Split::outputs},
    {"dense_4h_to_h", Split::inputs},
    {"shared_expert_gate", Split::none},
    {"attn_q", Split::queries},
    {"attn_k", Split::keys},
    {"attn_v", Split::keys},
    {"attn_qkv", Split::heads},
    {"attn_output", Split::inputs},
    {"attn_sinks", Split::queries},
    {"attn_q_a", Split::none},
    {"attn_kv_a_mqa", Split::none},
    {"attn_q_b", Split::queries},
    {"attn_kv_b", Split::queries},
    {"ffn_gate", Split::outputs},
    {"ffn_up", Split::outputs},
    {"ffn_down", Split::inputs},
    {"ffn_gate_exps", Split::outputs},
    {"ffn_up_exps", Split::outputs},
    {"ffn_down_exps", Split::inputs},
    {"ffn_gate_shexp", Split::outputs},
    {"ffn_up_shexp", Split::outputs},
    {"ffn_down_shexp", Split::inputs},
});

/// Which dimensions of a tensor are outputs and inputs of its matrix, counted from the last, which
/// is 1; 0: it has none such.
struct Axes {
  std::size_t outputs = 0;
  std::size_t inputs = 0;
};

struct KindAxes {
  std::string_view kind;
  Axes axes;
};
constexpr auto kind_axes = std::to_array<KindAxes>({
    {"weight", {2, 1}},
    {"bias", {1, 0}},
    {"weight_scale", {2, 1}},
    {"weight_scale_inv", {2, 1}},
    {"weight_scale_2", {}},
    {"input_scale", {}},
    // compressed-tensors
    {"weight_packed", {2, 1}},
    {"weight_zero_point", {2, 1}},
    {"weight_shape", {}},
    {"weight_g_idx", {0, 1}},
    {"weight_global_scale", {}},
    {"input_global_scale", {}},
    // GPTQ and AWQ, which lie on their side
    {"qweight", {1, 2}},
    {"qzeros", {1, 2}},
    {"scales", {1, 2}},
    {"g_idx", {0, 1}},
    // mxfp4 of experts: [E, outputs, blocks, bytes], [E, outputs, blocks]
    {"blocks", {3, 2}},
});

struct MatrixPart {
  std::string_view module;
  std::optional<Axes> axes;  // nullopt: of a kind that is not known
  bool packed = false;       // a matrix of mxfp4, or what belongs to it
};

/// "gate_up_proj" and its axes of "mlp.experts.gate_up_proj_bias". `on_their_side`: as
/// stacked_transposed() says it of the layer.
MatrixPart part_of_matrix(const ModelTensor& tensor, std::string_view rest, bool on_their_side) {
  const std::size_t dot = rest.rfind('.');
  const std::string_view last = rest.substr(dot + 1);  // npos + 1 is 0
  const std::size_t dimensions = tensor.shape.size();
  if (const auto* const known = std::ranges::find(kind_axes, last, &KindAxes::kind);
      known != kind_axes.end() && dot != std::string_view::npos) {
    const std::string_view parent = rest.substr(0, dot);
    MatrixPart found{parent.substr(parent.rfind('.') + 1), known->axes};
    constexpr std::size_t block_scales = 4;  // ModelOpt's, [rows, 1, cols, 1]
    if (last.starts_with("weight_scale") && dimensions == block_scales) found.axes = Axes{4, 2};
    if (dimensions == 1 && known->axes.outputs == 2) found.axes = Axes{1, 0};
    return found;
  }
  // Stacks without a kind of their own, and numbers by themselves.
  for (const auto& [end, axes] : std::to_array<std::pair<std::string_view, Axes>>(
           {{"_blocks", {3, 2}}, {"_scales", {2, 1}}, {"_bias", {1, 0}}})) {
    if (!last.ends_with(end)) continue;
    return {last.substr(0, last.size() - end.size()), axes, tensor.part == Part::experts};
  }
  if (dimensions == 1) return {last, Axes{1, 0}};
  constexpr std::size_t stacked = 3;
  if (dimensions != stacked) return {last, std::nullopt};
  const bool on_its_side = last == "w2" || (last.ends_with("_proj") && on_their_side);
  return {last, on_its_side ? Axes{1, 2} : Axes{2, 1}};
}

std::optional<Split> split_of(std::string_view module) {
  const auto* const known = std::ranges::find(module_splits, module, &ModuleSplit::module);
  return known == module_splits.end() ? std::nullopt : std::optional(known->split);
}

bool is_divided(Part part) {
  return part == Part::attention || part == Part::mlp || part == Part::experts ||
         part == Part::shared_expert;
}

class Sharder {
 public:
  Sharder(const Model& checkpoint, std::size_t gpus)
      : name_(checkpoint.name), gpus_(gpus), flag_("--tensor-parallel " + std::to_string(gpus)) {}

  void divide(ModelLayer& layer) const {
    const bool on_their_side = stacked_transposed(layer);
    for (ModelTensor& tensor : layer.tensors) {
      tensor.stored = nullptr;
      if (is_divided(tensor.part)) divide(tensor, layer.heads, on_their_side);
    }
    layer.heads = {layer.heads.queries / gpus_, keys_here(layer.heads)};
  }

  /// Of tables by the vocabulary; of others, such as positions, every GPU has all.
  void divide_vocabulary(std::vector<ModelTensor>& ends) const {
    constexpr std::uint64_t padding = 64;
    std::uint64_t vocabulary = 0;
    for (const ModelTensor& end : ends) {
      if (is_table(end)) vocabulary = std::max(vocabulary, end.shape.front());
    }
    const std::uint64_t padded = (vocabulary + padding - 1) / padding * padding;
    for (ModelTensor& end : ends) {
      end.stored = nullptr;
      if (!is_table(end) || end.shape.front() != vocabulary) continue;
      set_length(end, end.shape.front(), (padded + gpus_ - 1) / gpus_);
    }
  }

 private:
  static bool is_table(const ModelTensor& end) {
    return (end.part == Part::embedding || end.part == Part::head) && end.shape.size() == 2;
  }

  [[noreturn]] void fail(const std::string& fault) const {
    throw UsageError(flag_ + ": " + name_ + ": " + fault);
  }

  std::uint64_t keys_here(const AttentionHeads& heads) const {
    return heads.keys == 0 ? 0 : std::max<std::uint64_t>(1, heads.keys / gpus_);
  }

  /// Throws where heads are not known or cannot be shared out.
  void require_shared(const AttentionHeads& heads, std::string_view rest) const {
    if (heads.queries == 0) {
      fail("its files do not say how many heads " + std::string(rest) +
           " is of; put its config.json beside them");
    }
    if (heads.queries % gpus_ != 0) {
      fail(std::to_string(heads.queries) + " heads cannot be shared evenly");
    }
    const bool repeated = heads.keys > 0 && gpus_ % heads.keys == 0;
    if (heads.keys % gpus_ != 0 && !repeated) {
      fail(std::to_string(heads.keys) +
           " heads of keys and values can neither be shared evenly nor repeated so");
    }
  }

  void divide(ModelTensor& tensor, const AttentionHeads& heads, bool on_their_side) const {
    const std::string_view rest = name_in_layer(tensor.name);
    const MatrixPart what = part_of_matrix(tensor, rest, on_their_side);
    const std::optional<Split> split = split_of(what.module);
    const bool matrix = tensor.shape.size() > 1;
    if (!split || (!what.axes && *split != Split::none)) {
      if (!matrix) return;
      fail("how engines divide " + std::string(rest) + " is not known here");
    }
    if (*split == Split::none || !what.axes) return;
    if (*split == Split::inputs) {
      divide_along(tensor, what.axes->inputs, rest, what.packed);
      return;
    }
    const std::size_t axis = what.axes->outputs;
    if (axis == 0 || axis > tensor.shape.size()) return;
    if (*split == Split::outputs) {
      divide_along(tensor, axis, rest, what.packed);
      return;
    }
    divide_heads(tensor, axis, *split, heads, rest);
  }

  void divide_heads(ModelTensor& tensor, std::size_t axis, Split split, const AttentionHeads& heads,
                    std::string_view rest) const {
    require_shared(heads, rest);
    std::uint64_t& length = tensor.shape[tensor.shape.size() - axis];
    if (length == 1) return;  // a scale of all
    std::uint64_t all = heads.queries;
    std::uint64_t here = heads.queries / gpus_;
    if (split == Split::keys) {
      all = heads.keys;
      here = keys_here(heads);
    } else if (split == Split::heads) {
      all += 2 * heads.keys;
      here += 2 * keys_here(heads);
    }
    // Blocks of scales may be larger than a head.
    if (length * here % all != 0) {
      fail(std::to_string(length) + " rows of " + std::string(rest) +
           " cannot be shared by whole heads, or would be cut within a block of the format");
    }
    set_length(tensor, length, length * here / all);
  }

  void divide_along(ModelTensor& tensor, std::size_t axis, std::string_view rest,
                    bool packed) const {
    if (axis == 0 || axis > tensor.shape.size()) return;  // such as biases of what sums inputs up
    std::uint64_t& length = tensor.shape[tensor.shape.size() - axis];
    const bool scale = !rest.ends_with(".weight") && !rest.ends_with("weight_packed") &&
                       !rest.ends_with("qweight");
    if (length == 1 && scale) return;  // one of all
    if (packed) {
      set_length(tensor, length, share_of_blocks(length, axis, rest));
      return;
    }
    if (length % gpus_ != 0) {
      fail(std::to_string(length) + " of " + std::string(rest) +
           (scale ? ", a number for each block of the format," : "") +
           " cannot be shared evenly; give a divisor of it");
    }
    const GgmlType* const type = find_ggml_type(tensor.dtype);
    if (axis == 1 && type != nullptr && length / gpus_ % type->block_weights != 0) {
      fail("blocks of " + std::to_string(type->block_weights) + " in " + std::string(rest) +
           " would be cut");
    }
    set_length(tensor, length, length / gpus_);
  }

  /// Of mxfp4: along inputs the blocks themselves, along outputs 32 rows for each, of gate and up.
  std::uint64_t share_of_blocks(std::uint64_t length, std::size_t axis,
                                std::string_view rest) const {
    constexpr std::uint64_t block = 32;
    const bool outputs = axis == 3 ||
                         (axis == 2 && rest.ends_with("_scales") &&
                          rest.find("gate_up") != std::string_view::npos) ||
                         rest.ends_with("_bias");
    const std::uint64_t unit = outputs ? 2 * block : 1;
    if (length % unit != 0) {
      fail(std::to_string(length) + " of " + std::string(rest) + " is no whole number of blocks");
    }
    return (length / unit + gpus_ - 1) / gpus_ * unit;
  }

  /// `length` is one of the tensor's own.
  static void set_length(ModelTensor& tensor, std::uint64_t& length, std::uint64_t to) {
    tensor.parameters = tensor.parameters * to / length;
    tensor.bytes = tensor.bytes * to / length;
    length = to;
  }

  std::string name_;
  std::size_t gpus_;
  std::string flag_;
};

}  // namespace

Model sharded(const Model& checkpoint, std::size_t gpus) {
  Model model = checkpoint;
  if (gpus <= 1) return model;
  const Sharder sharder(checkpoint, gpus);
  model.tensor_parallel = gpus;
  for (ModelLayer& layer : model.layers) sharder.divide(layer);
  sharder.divide_vocabulary(model.ends);
  return model;
}

}  // namespace offload
