// SPDX-License-Identifier: Apache-2.0
#include "bench/models/fuse.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace offload {
namespace {

/// "model.layers.0.mlp" . "gate_proj" . "weight"
struct SplitName {
  std::string_view parent;
  std::string_view module;
  std::string_view kind;
};

SplitName split(std::string_view name) {
  const std::size_t kind = name.rfind('.');
  if (kind == name.npos || kind == 0) return {"", "", name};
  const std::size_t module = name.rfind('.', kind - 1);
  if (module == name.npos) return {"", name.substr(0, kind), name.substr(kind + 1)};
  return {name.substr(0, module), name.substr(module + 1, kind - module - 1),
          name.substr(kind + 1)};
}

/// What grows when matrices are joined: along its rows, or along its columns where the format lies
/// on its side (GPTQ's, AWQ's). A scalar for each matrix becomes one for each part.
struct JoinedKind {
  std::string_view kind;
  bool columns = false;
};
constexpr auto joined_kinds = std::to_array<JoinedKind>({
    {"weight"},
    {"bias"},
    {"weight_scale"},
    {"weight_scale_inv"},
    {"weight_scale_2"},
    {"input_scale"},
    // compressed-tensors
    {"weight_packed"},
    {"weight_shape"},
    {"weight_zero_point"},
    {"weight_g_idx"},
    {"weight_global_scale"},
    {"input_global_scale"},
    // GPTQ, AWQ
    {"qweight", true},
    {"qzeros", true},
    {"scales", true},
    {"g_idx"},
});

/// nullptr for a kind that is not joined.
const JoinedKind* joined_kind(std::string_view kind) {
  const auto* const found = std::ranges::find(joined_kinds, kind, &JoinedKind::kind);
  return found == joined_kinds.end() ? nullptr : found;
}

using Shape = std::vector<std::uint64_t>;

std::size_t joined_dimension(const Shape& shape, const JoinedKind& kind) {
  constexpr std::size_t block_scales = 4;  // ModelOpt's, [rows, 1, cols, 1]
  if (shape.size() == block_scales) return 0;
  // Of a stack [E, rows, cols] the rows as well.
  return shape.size() - (shape.size() == 1 || kind.columns ? 1 : 2);
}

std::uint64_t& joined_length(Shape& shape, const JoinedKind& kind) {
  if (shape.empty()) shape = {1};
  return shape[joined_dimension(shape, kind)];
}

struct Merge {
  std::array<std::string_view, 3> modules;  // in the order their rows are joined
  std::string_view fused;
};
constexpr std::array<Merge, 3> merges{{
    {{"q_proj", "k_proj", "v_proj"}, "qkv_proj"},
    {{"gate_proj", "up_proj", ""}, "gate_up_proj"},
    {{"q_a_proj", "kv_a_proj_with_mqa", ""}, "fused_qkv_a_proj"},
}};

// The experts' matrices: first those joined in w13, then w2.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> expert_modules{{
    {"gate_proj", "w13"},
    {"up_proj", "w13"},
    {"down_proj", "w2"},
    {"w1", "w13"},
    {"w3", "w13"},
    {"w2", "w2"},
}};

// Experts that the checkpoint stacks itself, and whether it stores them transposed.
struct StackedName {
  std::string_view checkpoint;
  std::string_view fused;
  bool transposed;
};
constexpr std::array<StackedName, 8> stacked_names{{
    {"gate_up_proj", "w13_weight", true},
    {"down_proj", "w2_weight", true},
    {"gate_up_proj_blocks", "w13_weight", false},
    {"down_proj_blocks", "w2_weight", false},
    {"gate_up_proj_scales", "w13_weight_scale", false},
    {"down_proj_scales", "w2_weight_scale", false},
    {"gate_up_proj_bias", "w13_bias", false},
    {"down_proj_bias", "w2_bias", false},
}};

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view last_segment(std::string_view name) { return name.substr(name.rfind('.') + 1); }

/// "model.layers.0.mlp.experts.w13_weight" for gate and up of any of its experts; "" for others.
std::string expert_stack(std::string_view name) {
  const SplitName parts = split(name);
  const std::string_view expert = last_segment(parts.parent);
  if (!is_number(expert) || joined_kind(parts.kind) == nullptr ||
      expert.size() == parts.parent.size()) {
    return "";
  }
  const std::string_view experts = parts.parent.substr(0, parts.parent.size() - expert.size() - 1);
  if (last_segment(experts) != "experts") return "";
  const auto* found =
      std::find_if(expert_modules.begin(), expert_modules.end(),
                   [&](const auto& module) { return module.first == parts.module; });
  if (found == expert_modules.end()) return "";
  return std::string(experts) + "." + std::string(found->second) + "_" + std::string(parts.kind);
}

using Tensors = std::vector<ModelTensor>;
using Members = std::vector<std::size_t>;  // indices into a layer

void add_sizes(ModelTensor& sum, const ModelTensor& more) {
  sum.parameters += more.parameters;
  sum.bytes += more.bytes;
}

using Stored = std::shared_ptr<const std::vector<StoredBytes>>;

/// What joined tensors hold, in the order of the whole: of each in turn, as often as there are
/// lengths outside the one they are joined along. Nothing where that would cut rows, or a member is
/// itself in parts.
Stored joined_bytes(const Tensors& tensors, const Members& members, const JoinedKind& kind) {
  const ModelTensor& first = tensors[members.front()];
  const std::size_t dimension = first.shape.empty() ? 0 : joined_dimension(first.shape, kind);
  std::uint64_t turns = 1;
  for (std::size_t i = 0; i < dimension; ++i) turns *= first.shape[i];
  const bool cuts_rows = kind.columns && turns > 1;
  std::vector<StoredBytes> all;
  for (std::uint64_t turn = 0; turn < turns && !cuts_rows; ++turn) {
    for (const std::size_t i : members) {
      if (tensors[i].parts().size() != 1) return nullptr;
      StoredBytes part = tensors[i].parts().front();
      part.bytes /= turns;
      part.offset += turn * part.bytes;
      all.push_back(std::move(part));
    }
  }
  return all.empty() ? nullptr : std::make_shared<const std::vector<StoredBytes>>(std::move(all));
}

bool same_shape(const Tensors& tensors, const Members& members) {
  return std::all_of(members.begin(), members.end(), [&](std::size_t i) {
    const ModelTensor& first = tensors[members.front()];
    return tensors[i].dtype == first.dtype && tensors[i].shape == first.shape;
  });
}

bool is_scalar(const ModelTensor& tensor) {
  return std::ranges::all_of(tensor.shape, [](std::uint64_t length) { return length == 1; });
}

/// All experts' matrices as one tensor: [E, rows, cols], with gate over up in w13 where they have
/// gates.
std::optional<ModelTensor> stack(const Tensors& tensors, const Members& members,
                                 const std::string& name) {
  const ModelTensor& first = tensors[members.front()];
  if (!same_shape(tensors, members)) return std::nullopt;
  const auto gates =
      static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [&](std::size_t i) {
        const std::string_view module = split(tensors[i].name).module;
        return module == "gate_proj" || module == "w1";
      }));
  // Experts without a gate have in w13 what others have below it.
  const std::size_t per_expert = last_segment(name).starts_with("w13_") && gates > 0 ? 2 : 1;
  const bool paired = per_expert == 1 || gates * 2 == members.size();  // an up for every gate
  if (!paired) return std::nullopt;
  ModelTensor result{name, first.dtype, first.shape, 0, 0, first.part};
  if (is_scalar(first)) {
    result.shape = per_expert == 1 ? Shape{} : Shape{per_expert};
  } else {
    joined_length(result.shape, *joined_kind(split(first.name).kind)) *= per_expert;
  }
  result.shape.insert(result.shape.begin(), members.size() / per_expert);
  std::vector<StoredBytes> stored;
  for (const std::size_t i : members) {
    add_sizes(result, tensors[i]);
    for (const StoredBytes& part : tensors[i].parts()) stored.push_back(part);
  }
  if (!stored.empty()) {
    result.stored = std::make_shared<const std::vector<StoredBytes>>(std::move(stored));
  }
  return result;
}

/// Tensors that agree in all but the length along which they are joined.
std::optional<ModelTensor> join(const Tensors& tensors, const Members& members,
                                const std::string& name) {
  const ModelTensor& first = tensors[members.front()];
  const JoinedKind& kind = *joined_kind(split(first.name).kind);
  ModelTensor result{name, first.dtype, first.shape, 0, 0, first.part};
  joined_length(result.shape, kind) = 0;
  const Shape others = result.shape;
  for (const std::size_t i : members) {
    Shape shape = tensors[i].shape;
    joined_length(result.shape, kind) += std::exchange(joined_length(shape, kind), 0);
    if (tensors[i].dtype != first.dtype || shape != others) return std::nullopt;
    add_sizes(result, tensors[i]);
  }
  result.stored = joined_bytes(tensors, members, kind);
  return result;
}

bool is_weight(std::string_view stack) {
  return stack.ends_with("weight") || stack.ends_with("_weight_packed");  // also _qweight
}

/// One layer's tensors by name, and what became of each.
class LayerFuser {
 public:
  explicit LayerFuser(const Tensors& tensors) : tensors_(tensors), used_(tensors.size(), false) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      by_name_.emplace(tensors[i].name, i);
      std::string name = expert_stack(tensors[i].name);
      if (!name.empty()) stacks_[std::move(name)].push_back(i);
    }
  }

  Tensors run() {
    Tensors result;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (used_[i]) continue;
      if (!expert_stack(tensors_[i].name).empty() && !stacks_.empty()) add_stacks(result);
      if (!used_[i]) result.push_back(merged(i));
    }
    return result;
  }

 private:
  /// Every stack of the layer, in vLLM's order: the weights, then their scales or biases.
  void add_stacks(Tensors& result) {
    std::vector<std::pair<std::string, Members>> ordered(stacks_.begin(), stacks_.end());
    stacks_.clear();
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
      return is_weight(a.first) && !is_weight(b.first);
    });
    for (const auto& [name, members] : ordered) {
      std::optional<ModelTensor> stacked = stack(tensors_, members, name);
      if (!stacked) continue;
      result.push_back(std::move(*stacked));
      for (const std::size_t i : members) used_[i] = true;
    }
  }

  /// Tensor `index`, joined with those that belong beside it.
  ModelTensor merged(std::size_t index) {
    const SplitName name = split(tensors_[index].name);
    for (const Merge& merge : merges) {
      const auto& modules = merge.modules;
      const bool member = std::find(modules.begin(), modules.end(), name.module) != modules.end();
      if (!member || name.module.empty() || joined_kind(name.kind) == nullptr) continue;
      const auto named = [&](std::string_view module) {
        std::string result(name.parent);
        result.append(".").append(module).append(".").append(name.kind);
        return result;
      };
      Members members;
      for (const std::string_view module : modules) {
        if (module.empty()) continue;
        const auto found = by_name_.find(named(module));
        if (found == by_name_.end()) return tensors_[index];
        members.push_back(found->second);
      }
      auto joined = join(tensors_, members, named(merge.fused));
      if (!joined) return tensors_[index];
      for (const std::size_t i : members) used_[i] = true;
      return std::move(*joined);
    }
    return tensors_[index];
  }

  const Tensors& tensors_;
  std::vector<bool> used_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::map<std::string, Members> stacks_;  // w13 before w2
};

/// DBRX's experts by the names that others give them, w2 as rows of outputs.
void rename_nameless_kinds(ModelTensor& tensor) {
  constexpr auto names = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{".experts.mlp.w1", ".gate_proj.weight"},
       {".experts.mlp.v1", ".up_proj.weight"},
       {".experts.mlp.w2", ".down_proj.weight"}});
  if (tensor.part != Part::experts || tensor.shape.size() != 3) return;
  for (const auto& [from, to] : names) {
    if (!tensor.name.ends_with(from)) continue;
    tensor.name.replace(tensor.name.size() - from.size(), from.size(), to);
    if (from.ends_with("w2")) std::swap(tensor.shape[1], tensor.shape[2]);
    return;
  }
}

/// Stacks whose names are a module's: "block_sparse_moe.input_linear.weight" (Granite) and
/// "moe.gate_up_proj.weight" are vLLM's "experts.w13_weight" there.
void rename_stacked_module(ModelTensor& tensor) {
  constexpr auto names =
      std::to_array<std::pair<std::string_view, std::string_view>>({{"input_linear", "w13_"},
                                                                    {"output_linear", "w2_"},
                                                                    {"gate_up_proj", "w13_"},
                                                                    {"down_proj", "w2_"}});
  const SplitName name = split(tensor.name);
  const bool stack = tensor.part == Part::experts && tensor.shape.size() == 3;
  if (!stack || joined_kind(name.kind) == nullptr || is_number(last_segment(name.parent))) return;
  for (const auto& [module, fused] : names) {
    if (name.module != module) continue;
    const std::string_view experts = last_segment(name.parent) == "experts" ? "." : ".experts.";
    tensor.name = std::string(name.parent).append(experts).append(fused).append(name.kind);
    return;
  }
}

/// Experts that are stacked already: their names, and matrices as rows of outputs.
void rename_stacked(ModelTensor& tensor, bool transposed) {
  const SplitName name = split(tensor.name);
  if (name.module != "experts") return;
  const auto* found =
      std::find_if(stacked_names.begin(), stacked_names.end(),
                   [&](const StackedName& entry) { return entry.checkpoint == name.kind; });
  if (found == stacked_names.end()) return;
  if (found->transposed && transposed && tensor.shape.size() == 3)
    std::swap(tensor.shape[1], tensor.shape[2]);
  if (name.kind.ends_with("_blocks") && tensor.shape.size() == 4) {
    tensor.shape[2] *= tensor.shape[3];  // the bytes of a row, whatever the block
    tensor.shape.pop_back();
  }
  tensor.name.replace(tensor.name.size() - name.kind.size(), name.kind.size(), found->fused);
}

void replace_segment(std::string& name, std::string_view from, std::string_view to) {
  const std::size_t at = name.find(from);
  if (at != name.npos) name.replace(at, from.size(), to);
}

/// A copy of all of it would take as much memory again where each expert has tensors of its own.
Model without_layers(const Model& model) {
  return {model.name,    model.architecture,      model.source, model.ends, {},
          model.experts, model.experts_per_token, model.context, model.tensor_parallel};
}

ModelLayer fused_layer(ModelLayer layer, bool gpt_oss) {
  for (ModelTensor& tensor : layer.tensors) rename_nameless_kinds(tensor);
  const bool transposed = stacked_transposed(layer);
  layer.tensors = LayerFuser(layer.tensors).run();
  for (ModelTensor& tensor : layer.tensors) {
    rename_stacked(tensor, transposed);
    rename_stacked_module(tensor);
    if (gpt_oss) replace_segment(tensor.name, ".self_attn.", ".attn.");
  }
  return layer;
}

}  // namespace

bool stacked_transposed(const ModelLayer& layer) {
  const auto find = [&](std::string_view name) {
    return std::find_if(layer.tensors.begin(), layer.tensors.end(),
                        [name](const ModelTensor& tensor) {
                          return tensor.name.ends_with(name) && tensor.shape.size() == 3;
                        });
  };
  const auto up = find(".experts.gate_up_proj");
  const auto down = find(".experts.down_proj");
  if (up == layer.tensors.end() || down == layer.tensors.end()) return true;
  return up->shape[2] != down->shape[1];
}

Model fused(const Model& checkpoint) {
  const bool gpt_oss = checkpoint.architecture == "gpt_oss";
  Model model = without_layers(checkpoint);
  for (const ModelLayer& layer : checkpoint.layers) {
    model.layers.push_back(fused_layer(layer, gpt_oss));
  }
  if (gpt_oss) {
    for (ModelTensor& tensor : model.ends) {
      replace_segment(tensor.name, ".embed_tokens.", ".embedding.");
    }
  }
  return model;
}

}  // namespace offload
