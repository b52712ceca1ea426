// SPDX-License-Identifier: Apache-2.0
#include "bench/models/offload_rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>

#include "bench/core/text.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/tensor_names.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

using Names = std::vector<std::string>;
using Flags = std::vector<std::vector<bool>>;

bool matches(const ModelTensor& tensor, const Names& names) {
  if (names.empty()) return true;
  const std::string_view name = name_in_layer(tensor.name);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& wanted) { return has_name_segments(name, wanted); });
}

/// PyTorch lists a module's own parameters, then its children's in the order they were made:
/// attention, feed-forward, and only then the norms, which run first.
int registration_rank(const ModelTensor& tensor) {
  const std::string_view name = name_in_layer(tensor.name);
  const bool of_the_layer = std::count(name.begin(), name.end(), '.') == 1;
  if (tensor.part == Part::norm && of_the_layer) return 4;
  if (!name.starts_with("self_attn.") && !name.starts_with("attn.")) return 3;
  if (has_name_segments(name, "q_norm") || has_name_segments(name, "k_norm")) return 2;
  return name.ends_with(".sinks") ? 0 : 1;
}

std::vector<std::size_t> registration_order(const ModelLayer& layer) {
  std::vector<std::size_t> order(layer.tensors.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return registration_rank(layer.tensors[a]) < registration_rank(layer.tensors[b]);
  });
  return order;
}

void offload_within_budget(const Model& model, const OffloadRules& rules, Flags& flags) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  constexpr double max_bytes = 1e18;  // more than any host has
  const auto budget = static_cast<std::uint64_t>(std::min(rules.cpu_offload_gb * gib, max_bytes));
  std::uint64_t used = 0;
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    for (const std::size_t i : registration_order(model.layers[layer])) {
      if (used >= budget) return;
      const ModelTensor& tensor = model.layers[layer].tensors[i];
      if (!matches(tensor, rules.cpu_offload_params)) continue;
      flags[layer][i] = true;
      used += tensor.bytes;
    }
  }
}

void offload_groups(const Model& model, const OffloadRules& rules, Flags& flags) {
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    if (layer % rules.group_size < rules.group_size - rules.num_in_group) continue;
    const std::vector<ModelTensor>& tensors = model.layers[layer].tensors;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      flags[layer][i] = matches(tensors[i], rules.offload_params);
    }
  }
}

void offload_experts(const Model& model, std::size_t layers, Flags& flags) {
  for (std::size_t layer = 0; layer < std::min(layers, model.layers.size()); ++layer) {
    const std::vector<ModelTensor>& tensors = model.layers[layer].tensors;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      flags[layer][i] = tensors[i].part == Part::experts;
    }
  }
}

void offload_first_layers(std::size_t n_gpu_layers, Flags& flags) {
  constexpr std::size_t output = 1;
  const std::size_t on_gpu = n_gpu_layers - std::min(n_gpu_layers, output);
  const std::size_t on_cpu = flags.size() - std::min(flags.size(), on_gpu);
  for (std::size_t layer = 0; layer < on_cpu; ++layer) {
    flags[layer].assign(flags[layer].size(), true);
  }
}

void offload_linear_weights(const Model& model, Flags& flags) {
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const std::vector<ModelTensor>& tensors = model.layers[layer].tensors;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      flags[layer][i] = is_linear_weight(tensors[i]) || is_linear_scale(tensors[i]);
    }
  }
}

/// A name that fits no tensor is a mistake: segments are whole, "w2" is not "w2_weight".
void require_known(const Model& model, std::string_view option, const Names& names) {
  for (const std::string& name : names) {
    const bool known =
        std::any_of(model.layers.begin(), model.layers.end(), [&](const ModelLayer& layer) {
          return std::any_of(layer.tensors.begin(), layer.tensors.end(),
                             [&](const ModelTensor& tensor) { return matches(tensor, {name}); });
        });
    if (known) continue;
    std::string message = std::string(option) + " '" + name + "': no tensor in a layer of " +
                          model.name + " has it as whole segments of its name";
    if (!model.layers.empty() && !model.layers.back().tensors.empty()) {
      const std::string& example = model.layers.back().tensors.back().name;
      message += ", such as '" + std::string(name_in_layer(example)) + "' or a part between dots";
    }
    throw UsageError(message);
  }
}

void validate(const Model& model, const OffloadRules& rules) {
  const bool budget = rules.cpu_offload_gb > 0;
  const bool groups = rules.group_size > 0;
  if (!std::isfinite(rules.cpu_offload_gb) || rules.cpu_offload_gb < 0) {
    throw UsageError("--cpu-offload-gb must be a number of GiB, 0 or more");
  }
  if (!budget && !rules.cpu_offload_params.empty()) {
    throw UsageError("--cpu-offload-params offloads nothing without --cpu-offload-gb");
  }
  if (!groups && (rules.num_in_group != 1 || !rules.offload_params.empty())) {
    throw UsageError(
        "--offload-num-in-group and --offload-params offload nothing without "
        "--offload-group-size");
  }
  if (groups && (rules.num_in_group < 1 || rules.num_in_group > rules.group_size)) {
    throw UsageError("--offload-num-in-group must be from 1 to --offload-group-size, " +
                     std::to_string(rules.group_size));
  }
  if (rules.prefetch_step < 1) throw UsageError("--offload-prefetch-step must be at least 1");
  if ((rules.n_cpu_moe || rules.n_gpu_layers) && (budget || groups)) {
    throw UsageError(std::string(rules.n_cpu_moe ? "--n-cpu-moe" : "--n-gpu-layers") +
                     " is llama.cpp's rule, --cpu-offload-gb and --offload-group-size are vLLM's: "
                     "give those of one engine");
  }
  if (rules.n_cpu_moe && model.experts == 0) {
    throw UsageError("--n-cpu-moe: " + model.name + " has no experts");
  }
  require_known(model, "--cpu-offload-params", rules.cpu_offload_params);
  require_known(model, "--offload-params", rules.offload_params);
}

/// "o_proj" for "model.layers.3.self_attn.o_proj.weight", "experts.w2_weight" for
/// "model.layers.3.mlp.experts.w2_weight"; all experts of a layer have one name.
std::string short_name(const ModelTensor& tensor) {
  std::string name(name_in_layer(tensor.name));
  if (const auto expert = expert_of(name)) {
    const std::string number = "." + std::to_string(*expert) + ".";
    if (const std::size_t at = name.find(number); at != std::string::npos) {
      name.replace(at, number.size(), ".");
    }
  }
  constexpr std::string_view suffix = ".weight";
  if (name.ends_with(suffix)) name.erase(name.size() - suffix.size());
  const std::size_t dot = name.find('.');
  const bool names_module = dot != std::string::npos && !name.starts_with("experts.");
  return names_module ? name.substr(dot + 1) : name;
}

void add_once(std::vector<std::string>& names, std::string name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

LayerKind kind_of(const ModelLayer& layer, std::size_t index, const std::vector<bool>& offloaded) {
  LayerKind kind;
  kind.layers = {index};
  for (std::size_t i = 0; i < layer.tensors.size(); ++i) {
    const ModelTensor& tensor = layer.tensors[i];
    if (!is_linear_weight(tensor) && !is_linear_scale(tensor)) continue;
    (offloaded[i] ? kind.offloaded_bytes : kind.resident_bytes) += tensor.bytes;
    if (!is_linear_weight(tensor)) continue;
    add_once(offloaded[i] ? kind.offloaded : kind.resident, short_name(tensor));
    kind.bytes.push_back(tensor.bytes);
  }
  if (kind.offloaded.empty() && kind.offloaded_bytes > 0) kind.offloaded = {"scales"};
  if (kind.resident.empty() && kind.resident_bytes > 0) kind.resident = {"scales"};
  return kind;
}

bool same_kind(const LayerKind& one, const LayerKind& other) {
  return one.offloaded == other.offloaded && one.resident == other.resident &&
         one.bytes == other.bytes;
}

/// What a config does not show, and no pass reads, is in no sum: the same model from its config and
/// from its tensors is the same plan.
void say_what_is_left_out(const Model& model, std::vector<std::string>& warnings) {
  struct Kind {
    Part part;
    std::string_view name;
  };
  constexpr auto kinds = std::to_array<Kind>({{Part::drafting, "layers that draft tokens ahead"},
                                              {Part::tower, "parts for images or sound"}});
  for (const Kind& kind : kinds) {
    const std::uint64_t bytes = model.bytes(kind.part);
    if (bytes == 0) continue;
    warnings.push_back(model.name + ": its " + std::string(kind.name) + ", " +
                       format_size_rounded(bytes) + ", are left out: they are in no number here");
  }
}

}  // namespace

Offloading offloading(const Model& model, const OffloadRules& rules) {
  validate(model, rules);
  Offloading result;
  result.tensors.reserve(model.layers.size());
  for (const ModelLayer& layer : model.layers) {
    result.tensors.emplace_back(layer.tensors.size(), false);
  }
  if (rules.n_cpu_moe || rules.n_gpu_layers) {
    if (rules.n_cpu_moe) offload_experts(model, *rules.n_cpu_moe, result.tensors);
    if (rules.n_gpu_layers) offload_first_layers(*rules.n_gpu_layers, result.tensors);
    if (rules.n_gpu_layers == 0U) {
      result.warnings.emplace_back(
          "--n-gpu-layers 0 leaves the output layer to the CPU too, which is not measured: it is "
          "the same as 1 here");
    }
  } else if (rules.group_size > 0) {
    if (rules.cpu_offload_gb > 0) {
      result.warnings.emplace_back(
          "--offload-group-size decides what is offloaded; --cpu-offload-gb is ignored, as vLLM "
          "does");
    }
    offload_groups(model, rules, result.tensors);
  } else if (rules.cpu_offload_gb > 0) {
    offload_within_budget(model, rules, result.tensors);
  } else {
    offload_linear_weights(model, result.tensors);
  }
  return result;
}

ModelLayout layout_of(const Model& model, const Offloading& offloading, const ModelSlice& slice) {
  ModelLayout layout{model.label(), {}, offloading.warnings, slice, model.experts > 0};
  say_what_is_left_out(model, layout.warnings);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerKind kind = kind_of(model.layers[i], i, offloading.tensors[i]);
    const auto known = std::find_if(layout.kinds.begin(), layout.kinds.end(),
                                    [&](const LayerKind& other) { return same_kind(other, kind); });
    if (known == layout.kinds.end()) {
      layout.kinds.push_back(std::move(kind));
      continue;
    }
    known->layers.push_back(i);
    known->offloaded_bytes += kind.offloaded_bytes;
    known->resident_bytes += kind.resident_bytes;
  }
  return layout;
}

std::string layer_ranges(const std::vector<std::size_t>& layers) {
  std::vector<std::string> ranges;
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t last = first;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    ranges.push_back(std::to_string(layers[first]));
    if (last > first) ranges.back() += "-" + std::to_string(layers[last]);
    first = last + 1;
  }
  constexpr std::size_t max_ranges = 4;
  std::string text;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges.size() > max_ranges && i == 2) {
      text += ", ...";
      i = ranges.size() - 1;
    }
    text += (text.empty() ? "" : ", ") + ranges[i];
  }
  return text;
}

}  // namespace offload
