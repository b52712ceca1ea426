// SPDX-License-Identifier: Apache-2.0
#include "bench/models/layers.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/expert_stacks.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

enum Stage : int {
  input_norm,
  attention,
  middle_norm,
  router,
  shared_expert,  // vLLM holds them before the routed ones
  feed_forward,
  output_norm,
  other
};

bool holds(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}
template <std::size_t n>
bool holds_any(std::string_view text, const std::array<std::string_view, n>& words) {
  for (const std::string_view word : words) {
    if (holds(text, word)) return true;
  }
  return false;
}

Stage stage_of_norm(std::string_view rest) {
  constexpr auto last = std::to_array<std::string_view>(
      {"post_feedforward", "post_ffw", "post_mlp", "post_moe", "layer_output"});
  constexpr auto middle = std::to_array<std::string_view>(
      {"post_attention", "post_attn", "post_self_attn", "pre_feedforward", "pre_ffw", "pre_mlp",
       "ffn_norm", "ffn_layernorm", "ff_norm", "ln_2", "ln2", "norm2", "final_layer_norm"});
  // Inside the token mixer: of queries, keys, the compressed cache, the state.
  constexpr auto inner = std::to_array<std::string_view>(
      {"attn.", "attention.", "mixer.", "mamba.", "attn_q", "attn_k", "attn_output", "attn_sub",
       "ssm_", "time_mix", "indexer"});
  if (holds_any(rest, last)) return output_norm;
  if (holds_any(rest, middle)) return middle_norm;
  if (holds_any(rest, inner)) return attention;
  if (holds(rest, "mlp.") || holds(rest, "ffn_")) return feed_forward;
  return input_norm;
}

Stage stage_of(std::string_view rest, Part part) {
  switch (part) {
    case Part::norm:
      return stage_of_norm(rest);
    case Part::attention:
      return attention;
    case Part::router:
      return router;
    case Part::mlp:
    case Part::experts:
      return feed_forward;
    case Part::shared_expert:
      return shared_expert;
    default:
      return other;
  }
}

struct Step {
  std::string_view name;
  int step;
};

/// The module's own name, without what says where it stands and how it is stored: "q_b" of
/// self_attn.q_b_proj.weight and of attn_q_b.weight, "gate" of ffn_gate_exps.weight.
std::string_view module_of(std::string_view rest) {
  constexpr auto stored = std::to_array<std::string_view>(
      {".weight", ".bias", ".weight_scale_inv", ".weight_scale_2", ".weight_scale", ".input_scale",
       ".qweight", ".qzeros", ".scales", ".g_idx", ".weight_packed", ".weight_shape", ".scale",
       "_blocks", "_scales", "_bias"});
  constexpr auto before = std::to_array<std::string_view>({"attn_", "ffn_", "ssm_"});
  constexpr auto after = std::to_array<std::string_view>({"_exps", "_shexp", "_proj"});
  for (const std::string_view end : stored) {
    if (rest.ends_with(end)) {
      rest.remove_suffix(end.size());
      break;
    }
  }
  rest.remove_prefix(rest.rfind('.') + 1);  // npos + 1 is 0
  for (const std::string_view start : before) {
    if (rest.starts_with(start)) rest.remove_prefix(start.size());
  }
  for (const std::string_view end : after) {
    if (rest.ends_with(end)) rest.remove_suffix(end.size());
  }
  return rest;
}

int attention_step(std::string_view module) {
  constexpr auto steps = std::to_array<Step>({
      {"qkv", 0},
      {"query_key_value", 0},
      {"Wqkv", 0},
      {"c_attn", 0},
      {"in", 0},
      {"in_proj_qkvz", 0},
      {"in_proj_qkv", 0},
      {"in_proj_z", 1},
      {"in_proj_b", 2},
      {"in_proj_a", 3},
      {"in_proj_ba", 2},
      {"q_a", 0},
      {"q_a_layernorm", 1},
      {"q_a_norm", 1},
      {"q_b", 2},
      {"q", 2},
      {"wq", 2},
      {"kv_a_proj_with_mqa", 3},
      {"kv_a_mqa", 3},
      {"kv_a_layernorm", 4},
      {"kv_a_norm", 4},
      {"kv_b", 5},
      {"k_b", 5},
      {"v_b", 6},
      {"k", 3},
      {"wk", 3},
      {"v", 4},
      {"wv", 4},
      {"q_norm", 7},
      {"k_norm", 8},
      {"sinks", 9},
      {"norm", 11},
      {"gate", 12},
      {"sub_norm", 13},
      {"o", 20},
      {"wo", 20},
      {"out", 20},
      {"output", 20},
      {"dense", 20},
      {"c_proj", 20},
  });
  constexpr int unknown = 10;  // between the inputs and the output
  for (const Step& step : steps) {
    if (module == step.name) return step.step;
  }
  return unknown;
}

int feed_forward_step(std::string_view module) {
  constexpr auto steps = std::to_array<Step>({
      {"gate_up", 0},
      {"gate", 0},
      {"w1", 0},
      {"input_linear", 0},
      {"fc1", 0},
      {"c_fc", 0},
      {"dense_h_to_4h", 0},
      {"up", 1},
      {"w3", 1},
      {"v1", 1},
      {"down", 3},
      {"output_linear", 3},
      {"w2", 3},
      {"fc2", 3},
      {"dense_4h_to_h", 3},
      {"c_proj", 3},
  });
  constexpr int unknown = 2;
  for (const Step& step : steps) {
    if (module == step.name) return step.step;
  }
  return unknown;
}

int middle_step(std::string_view rest) { return holds(rest, "post_") ? 0 : 1; }

/// The weight, what it is scaled by, its bias.
int component_of(std::string_view rest) {
  if (rest.ends_with("bias")) return 2;
  constexpr auto scales = std::to_array<std::string_view>({"scale", "qzeros", "g_idx", "_shape"});
  return holds_any(rest, scales) ? 1 : 0;
}

/// Of all stacks the one that decodes text; of several the one with the most bytes. "" if there is
/// none.
std::string main_stack(const std::vector<ModelTensor>& tensors) {
  std::map<std::string_view, std::uint64_t> bytes;
  for (const ModelTensor& tensor : tensors) {
    const TensorPlace place = place_of(tensor.name);
    if (place.layer && is_text(place.stack)) bytes[place.stack] += tensor.bytes;
  }
  const auto largest = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return largest == bytes.end() ? std::string{} : std::string(largest->first);
}

/// The stack called alike but for "decoder" in place of "encoder", or the other way round; "" for a
/// stack that is neither.
std::string counterpart(const std::string& stack) {
  constexpr auto pairs = std::to_array<std::array<std::string_view, 2>>(
      {{"encoder", "decoder"}, {"decoder", "encoder"}, {"enc", "dec"}, {"dec", "enc"}});
  for (const auto& [word, other] : pairs) {
    if (!has_name_segments(stack, word)) continue;
    std::string name = "." + stack;
    const std::string segment = "." + std::string(word) + ".";
    return name.replace(name.find(segment) + 1, word.size(), other).substr(1);
  }
  return "";
}

/// Not every layer of such a model runs for every token, which is all that is known here.
void refuse_encoder_decoder(const std::vector<ModelTensor>& tensors, const std::string& stack,
                            const std::string& source) {
  const std::string other = counterpart(stack);
  const bool both = std::any_of(tensors.begin(), tensors.end(), [&](const ModelTensor& tensor) {
    return !other.empty() && place_of(tensor.name).stack == other;
  });
  if (!both) return;
  throw UsageError(source + ": has an encoder and a decoder, " + in_quotes(stack) + " and " +
                   in_quotes(other) + "; only models that run all layers for each token are read");
}

/// By its name, or else by its shape: a matrix inside a layer multiplies, whatever it is called,
/// and has what describes it beside it.
Part part_of(const ModelTensor& tensor, std::string_view rest) {
  const Part part = part_in_layer(rest);
  const bool multiplies = tensor.shape.size() >= 2 || tensor.parameters == 0;
  return part == Part::other && multiplies ? Part::attention : part;
}

/// A layer that predicts tokens ahead of the model: DeepSeek's last one, and its likes.
bool drafts(std::string_view rest) {
  return rest.starts_with("eh_proj.") || rest.starts_with("nextn.");
}

/// How many experts the tensor shows: its own number and those before it, or the stack it holds.
std::size_t experts_seen(const ModelTensor& tensor, std::string_view rest) {
  if (tensor.part != Part::experts) return 0;
  if (const auto expert = expert_of(rest)) return static_cast<std::size_t>(*expert) + 1;
  constexpr std::size_t stacked = 3;
  return tensor.shape.size() >= stacked ? static_cast<std::size_t>(tensor.shape.front()) : 0;
}

void sort_by_use(ModelLayer& layer) {
  struct Ranked {
    ExecutionOrder order;
    std::size_t index;
  };
  std::vector<Ranked> ranked;
  ranked.reserve(layer.tensors.size());
  for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
    const ModelTensor& tensor = layer.tensors[i];
    ranked.push_back({order_in_layer(place_of(tensor.name).rest, tensor.part), i});
  }
  std::sort(ranked.begin(), ranked.end(), [&layer](const Ranked& a, const Ranked& b) {
    if (a.order != b.order) return a.order < b.order;
    return layer.tensors[a.index].name < layer.tensors[b.index].name;
  });
  std::vector<ModelTensor> sorted;
  sorted.reserve(ranked.size());
  for (const Ranked& tensor : ranked) sorted.push_back(std::move(layer.tensors[tensor.index]));
  layer.tensors = std::move(sorted);
}

/// Whether a number too large to be read stands where a layer's would.
bool has_long_number(std::string_view name) {
  const std::string_view rest = name_in_layer(name);
  const std::size_t length = name.size() - rest.size();
  if (length == 0 || place_of(name).layer) return false;
  // Any number in its place makes a layer's tensor of it.
  std::string_view before = name.substr(0, length - 1);
  before = before.substr(0, before.rfind('.') + 1);
  return place_of(std::string(before) + "0." + std::string(rest)).layer.has_value();
}

/// Of a model none of whose tensors counts as a layer's.
std::string fault_of_layers(const std::vector<ModelTensor>& empty,
                            const std::vector<ModelTensor>& others) {
  for (const ModelTensor& tensor : empty) {
    if (place_of(tensor.name).layer) {
      return "tensor " + in_quotes(tensor.name) + " holds nothing: a dimension of it is 0";
    }
  }
  for (const ModelTensor& tensor : others) {
    if (has_long_number(tensor.name)) {
      return "the layer number of tensor " + in_quotes(tensor.name) + " is too large";
    }
  }
  return "no tensor is named after a layer, such as model.layers.0.mlp.up_proj.weight or "
         "blk.0.ffn_up.weight";
}

}  // namespace

ExecutionOrder order_in_layer(std::string_view rest, Part part) {
  const Stage stage = stage_of(rest, part);
  int step = 0;
  if (stage == attention) step = attention_step(module_of(rest));
  if (stage == feed_forward || stage == shared_expert) step = feed_forward_step(module_of(rest));
  if (stage == middle_norm) step = middle_step(rest);
  return {stage, expert_of(rest).value_or(0), step, component_of(rest)};
}

void drop_adapted_module(std::string& name) {
  constexpr std::string_view module = ".base_layer.";
  const std::size_t at = name.find(module);
  if (at != name.npos) name.replace(at, module.size(), ".");
}

void add_end(ModelTensor tensor, Model& model) {
  const TensorPlace place = place_of(tensor.name);
  tensor.part = place.layer && is_text(place.stack) ? Part::other : part_outside(tensor.name);
  model.ends.push_back(std::move(tensor));
}

void add_layer(std::vector<ModelTensor> tensors, Model& model) {
  ModelLayer layer{std::move(tensors)};
  for (ModelTensor& tensor : layer.tensors) {
    tensor.part = part_of(tensor, place_of(tensor.name).rest);
  }
  find_expert_stacks(layer, model.source);
  for (const ModelTensor& tensor : layer.tensors) {
    model.experts = std::max(model.experts, experts_seen(tensor, place_of(tensor.name).rest));
  }
  sort_by_use(layer);
  model.layers.push_back(std::move(layer));
}

void arrange_layers(std::vector<ModelTensor> tensors, Model& model) {
  const auto holding = std::stable_partition(
      tensors.begin(), tensors.end(), [](const ModelTensor& tensor) { return tensor.bytes != 0; });
  const std::vector<ModelTensor> empty(std::make_move_iterator(holding),
                                       std::make_move_iterator(tensors.end()));
  tensors.erase(holding, tensors.end());
  const std::string stack = main_stack(tensors);
  refuse_encoder_decoder(tensors, stack, model.source);
  std::set<std::uint64_t> drafting;
  for (const ModelTensor& tensor : tensors) {
    const TensorPlace place = place_of(tensor.name);
    if (place.layer && place.stack == stack && drafts(place.rest)) drafting.insert(*place.layer);
  }

  using Tensors = std::vector<ModelTensor>;
  std::map<std::uint64_t, Tensors> layers;  // numbers are not to be trusted with a vector's size
  for (ModelTensor& tensor : tensors) {
    const TensorPlace place = place_of(tensor.name);
    if (!place.layer || place.stack != stack) {
      add_end(std::move(tensor), model);
      continue;
    }
    const bool drafts_ahead = drafting.contains(*place.layer);
    if (drafts_ahead || names_tower(place.rest)) {
      tensor.part = drafts_ahead ? Part::drafting : Part::tower;
      model.ends.push_back(std::move(tensor));
      continue;
    }
    Tensors& layer = layers[*place.layer];
    drop_adapted_module(tensor.name);
    layer.push_back(std::move(tensor));
  }
  if (layers.empty()) throw UsageError(model.source + ": " + fault_of_layers(empty, model.ends));

  std::uint64_t expected = 0;
  for (auto& [number, layer] : layers) {
    if (number != expected) {
      throw UsageError(model.source + ": has layer " + std::to_string(number) + " but no layer " +
                       std::to_string(expected) +
                       "; if it is one file of several, give their directory");
    }
    ++expected;
    set_aside_image_experts(layer, model.ends, model.source);
    add_layer(std::move(layer), model);
  }
  refuse_unknown_experts(model);
}

}  // namespace offload
