// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/selection.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "bench/core/names.hpp"
#include "bench/core/text.hpp"
#include "bench/measure/suites.hpp"
#include "bench/models/fuse.hpp"
#include "bench/models/linear_weights.hpp"
#include "bench/models/load.hpp"
#include "bench/models/offload_rules.hpp"
#include "bench/models/presets.hpp"
#include "bench/models/slice.hpp"
#include "bench/models/tensor_names.hpp"
#include "bench/models/unknown_model.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"
#include "offload/weights.hpp"

namespace offload {
namespace {

/// Throws UsageError for a tensor that no file holds row by row.
void require_stored(const WeightSet& weights) {
  for (const WeightTensor& tensor : weights.tensors) {
    std::size_t rows = 0;
    for (const StoredRows& part : tensor.stored) rows += part.rows;
    if (rows == tensor.rows) continue;
    throw UsageError("--content model: rows of " + tensor.name + " of " + weights.name +
                     " are put together of several tensors, so that no file holds them; give "
                     "--checkpoint-shapes with --suite decode, or leave out --content");
  }
}

const Model& checkpoint_of(const std::string& name, const Options& options, ModelLoader& models) {
  if (options.content == ContentOf::model) return models.load_stored(name);
  return models.load_share(name, options.tensor_parallel);
}

/// Explicitly named weights of single matrices, in the order the options list them.
std::vector<WeightSet> named_weights(const Options& options, ModelLoader& models) {
  std::vector<WeightSet> sets;
  const auto append = [&sets](std::vector<WeightSet> more) {
    std::move(more.begin(), more.end(), std::back_inserter(sets));
  };
  for (const std::string& name : options.weights) {
    std::vector<WeightSet> found = find_preset_weights(name, options.tensor_parallel);
    if (const std::string_view type = type_in_name(name); found.empty() && !type.empty()) {
      throw UsageError("unknown weights " + in_quotes(name) + ": its name says " +
                       std::string(type) +
                       "; another dtype follows a projection, MODEL.PROJECTION.fp8_e4m3 or .q4");
    }
    if (found.empty()) {
      const std::vector<WeightSet> presets = preset_weights();
      const std::vector<WeightSet> experts = preset_experts();
      std::vector<std::string_view> known = preset_models();
      for (const WeightSet& preset : presets) known.push_back(preset.name);
      for (const WeightSet& preset : experts) known.push_back(preset.name);
      throw UsageError(unknown_name("weights", name, known));
    }
    append(std::move(found));
  }
  for (const std::string& model : options.models) {
    const bool generated = options.content == ContentOf::generated;
    const bool preset = generated && !find_preset_model(model).empty();
    append(preset ? find_preset_weights(model, options.tensor_parallel)
                  : projections_of(checkpoint_of(model, options, models)));
  }
  for (const WeightTensor& tensor : options.tensors) sets.push_back({tensor.name, {tensor}});
  for (const std::size_t bytes : options.sizes) sets.push_back(sized_weights(bytes));
  if (options.content == ContentOf::model) std::ranges::for_each(sets, require_stored);
  return sets;
}

/// By the model's files, or else by the flag.
std::size_t experts_per_token(const Model& model, const Options& options) {
  const std::size_t said = model.experts_per_token;
  const std::size_t given = options.experts_per_token;
  if (said > 0 && given > 0 && given != said) {
    throw UsageError("--experts-per-token " + std::to_string(given) + ": a token takes " +
                     std::to_string(said) + " by the files of " + model.name);
  }
  if (given > model.experts) {
    throw UsageError("--experts-per-token " + std::to_string(given) + ": " + model.name + " has " +
                     std::to_string(model.experts) + " experts");
  }
  if (said == 0 && given == 0) {
    throw UsageError(model.source + ": has " + std::to_string(model.experts) +
                     " experts, and nothing says how many of them a token takes: give "
                     "--experts-per-token, or num_experts_per_tok in a config.json beside it (in a "
                     "GGUF, expert_used_count)");
  }
  return std::max(said, given);
}

struct PlacedModel {
  WeightSet weights;  // its layers, as far as they are measured
  ModelLayout layout;
};

std::vector<PlacedModel> placed_models(const Options& options, ModelLoader& models) {
  std::vector<PlacedModel> placed;
  const std::vector<std::string> names =
      options.models.empty() ? std::vector<std::string>{default_model} : options.models;
  for (const std::string& name : names) {
    const Model& checkpoint = checkpoint_of(name, options, models);
    Model model = options.checkpoint_shapes ? checkpoint : fused(checkpoint);
    if (model.experts > 0 || options.experts_per_token > 0) {
      model.experts_per_token = experts_per_token(model, options);
    }
    const Offloading where = offloading(model, options.rules);
    WeightSet weights =
        model_slice(model, where.tensors, options.slice_bytes, options.rules.prefetch_step);
    if (options.content == ContentOf::model) require_stored(weights);
    ModelLayout layout = layout_of(model, where, *weights.slice);
    placed.push_back({std::move(weights), std::move(layout)});
  }
  return placed;
}

/// A suite's own wording of weights: a preset's name, a tensor, or sizes.
std::vector<WeightSet> suite_weights(std::string_view text, const Options& options) {
  std::vector<WeightSet> sets = find_preset_weights(text, options.tensor_parallel);
  if (!sets.empty()) return sets;
  if (text.find(':') != std::string_view::npos) {
    const WeightTensor tensor = parse_tensor(std::string(text));
    return {{tensor.name, {tensor}}};
  }
  for (const std::size_t bytes : parse_sizes(text)) sets.push_back(sized_weights(bytes));
  return sets;
}

bool same_shape(const WeightSet& a, const WeightSet& b) {
  return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const WeightTensor& x, const WeightTensor& y) { return x.same_shape(y); });
}

/// Add `workload` on `weights`, which may already be selected for another workload.
Selection& add(std::vector<Selection>& selected, const WeightSet& weights,
               const std::string& workload, bool named) {
  auto entry = std::find_if(selected.begin(), selected.end(), [&](const Selection& selection) {
    return selection.weights.name == weights.name;
  });
  if (entry == selected.end()) {
    entry = selected.insert(entry, {weights, {}, named});
  } else if (!same_shape(entry->weights, weights)) {
    throw UsageError("two different weights are named '" + weights.name +
                     "': give one another name");
  }
  std::vector<std::string>& workloads = entry->workloads;
  if (std::find(workloads.begin(), workloads.end(), workload) == workloads.end()) {
    workloads.push_back(workload);
  }
  return *entry;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

/// Options about a model's layers, where none is walked, would go unnoticed.
void require_model_walk(const Options& options) {
  const OffloadRules& rules = options.rules;
  const OffloadRules none;
  const std::vector<std::pair<bool, const char*>> given{
      {rules.cpu_offload_gb > 0, "--cpu-offload-gb"},
      {!rules.cpu_offload_params.empty(), "--cpu-offload-params"},
      {rules.group_size > 0, "--offload-group-size"},
      {rules.num_in_group != none.num_in_group, "--offload-num-in-group"},
      {!rules.offload_params.empty(), "--offload-params"},
      {rules.n_cpu_moe.has_value(), "--n-cpu-moe"},
      {rules.n_gpu_layers.has_value(), "--n-gpu-layers"},
      {options.experts_per_token > 0, "--experts-per-token"},
      {options.checkpoint_shapes, "--checkpoint-shapes"},
  };
  for (const auto& [is_given, flag] : given) {
    if (!is_given) continue;
    throw UsageError(std::string(flag) +
                     " is about whole models: choose --suite decode or prefill, or the workloads");
  }
}

/// Nothing of it would be a share of a model, or its bytes are those of files, which hold no
/// shares.
void require_shares(const Options& options, const std::vector<Selection>& selected) {
  if (options.tensor_parallel <= 1) return;
  const std::string flag = "--tensor-parallel " + std::to_string(options.tensor_parallel);
  if (options.content == ContentOf::model) {
    throw UsageError(flag +
                     ": the files of a model hold no shares of it: leave out --content model");
  }
  const bool any = std::ranges::any_of(
      selected, [](const Selection& selection) { return selection.weights.tensor_parallel > 1; });
  if (any) return;
  throw UsageError(flag + " is about models: name one by --model, or weights of one by --weights");
}

/// "llama3.1-70b" and 4 of "llama3.1-70b.tp4.down_proj".
void take_share_of_name(std::string& weights, Options& options) {
  constexpr std::string_view mark = ".tp";
  for (std::size_t at = weights.find(mark); at != std::string::npos;
       at = weights.find(mark, at + 1)) {
    const std::size_t end = std::min(weights.find('.', at + 1), weights.size());
    const auto gpus =
        parse_digits(std::string_view(weights).substr(at + mark.size(), end - at - mark.size()));
    if (!gpus || *gpus < 2) continue;
    options.tensor_parallel = static_cast<std::size_t>(*gpus);
    weights.erase(at, end - at);
    return;
  }
}

constexpr std::size_t part_count = 4;

/// label, policy, weights and start, cut from the end: a label may have a slash of its own.
std::array<std::string, part_count> parts_of(const std::string& name) {
  std::array<std::string, part_count> parts;
  std::string_view rest = name;
  for (std::size_t i = part_count - 1; i > 0; --i) {
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) break;
    parts[i] = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  parts[0] = rest;
  const bool is_label = split_label(rest).name.find('/') == std::string_view::npos;
  const bool complete = std::none_of(parts.begin(), parts.end(),
                                     [](const std::string& part) { return part.empty(); });
  if (!is_label || !complete) {
    throw UsageError("explain '" + printable(name) +
                     "': a case is named <workload>/<policy>/<weights>/<start>, as plan and the "
                     "results list them");
  }
  return parts;
}

/// A tensor that a suite describes by shape, under the name it has in results.
std::optional<WeightTensor> suite_tensor(const std::string& name) {
  for (const Suite& suite : suites()) {
    for (const SuiteItem& item : suite.items) {
      for (const std::string_view text : item.weights) {
        if (text.find(':') == std::string_view::npos) continue;
        WeightTensor tensor = parse_tensor(text);
        if (tensor.name == name) return tensor;
      }
    }
  }
  return std::nullopt;
}

bool is_size(const std::string& name) {
  return name.find_first_not_of("0123456789") != 0 &&
         name.find_first_not_of("0123456789KMGiB") == std::string::npos;
}

/// As if the user had named them by --tensor, --sizes or --weights; of the latter select_weights
/// says what names there are.
void select_matrices(Options& options, const std::string& name) {
  if (const auto tensor = suite_tensor(name)) {
    options.tensors = {*tensor};
  } else if (is_size(name)) {
    options.sizes = {parse_size(name)};
  } else {
    options.weights = {name};
  }
}

std::vector<Selection> selected_weights(const Options& options, const Catalog& catalog,
                                        ModelLoader& models) {
  const Suite& suite = find_suite(options.suite);
  const std::vector<std::string> in_suite = labels_of(suite);
  std::vector<std::string> of_model;
  std::vector<std::string> of_matrices;
  for (const std::string& label : wanted_labels(suite, options, catalog)) {
    const Workload* workload = catalog.workload(split_label(label).name);
    const bool walks = workload != nullptr && workload->walks_model();
    (walks ? of_model : of_matrices).push_back(label);
  }

  if (of_model.empty()) require_model_walk(options);
  std::vector<Selection> selected;
  if (!of_model.empty()) {
    for (const PlacedModel& model : placed_models(options, models)) {
      for (const std::string& label : of_model) {
        add(selected, model.weights, label, !options.models.empty()).layout = model.layout;
      }
    }
  }
  if (of_matrices.empty()) {
    if (!options.weights.empty() || !options.tensors.empty() || !options.sizes.empty()) {
      throw UsageError("suite " + options.suite +
                       " walks a model: choose one with --model, or other --workloads for "
                       "--weights, --tensor and --sizes");
    }
    return selected;
  }

  const std::vector<WeightSet> named = named_weights(options, models);
  for (const WeightSet& weights : named) {
    for (const std::string& label : of_matrices) add(selected, weights, label, true);
  }
  if (!named.empty()) return selected;

  for (const std::string& label : of_matrices) {
    bool any = false;
    for (const SuiteItem& item : suite.items) {
      const bool meant =
          std::any_of(item.workloads.begin(), item.workloads.end(), [&](std::string_view known) {
            return split_label(known).name == split_label(label).name;
          });
      if (!meant) continue;
      // A label of the suite means its own item only; another value, every item.
      if (contains(in_suite, label) &&
          std::find(item.workloads.begin(), item.workloads.end(), label) == item.workloads.end()) {
        continue;
      }
      for (const std::string_view text : item.weights) {
        for (const WeightSet& weights : suite_weights(text, options)) {
          add(selected, weights, label, false);
          any = true;
        }
      }
    }
    if (!any) {
      throw UsageError("suite " + options.suite + " has no weights for workload " + label +
                       ": name some with --weights, --tensor or --sizes");
    }
  }
  return selected;
}

}  // namespace

std::vector<Selection> select_weights(const Options& options, const Catalog& catalog,
                                      ModelLoader& models) {
  std::vector<Selection> selected = selected_weights(options, catalog, models);
  require_shares(options, selected);
  return selected;
}

std::vector<std::string> shape_notes(const Options& options, ModelLoader& models) {
  std::vector<std::string> notes;
  const auto add = [&notes](const std::optional<SameShapes>& same) {
    if (!same) return;
    const std::string note = same->sentence();
    if (!contains(notes, note)) notes.push_back(note);
  };
  for (const std::string& name : options.models) {
    const auto same = find_same_shapes(name);
    if (same && models.load(name).source == preset_source) add(same);
  }
  for (const std::string& name : options.weights) add(find_same_shapes_of_weights(name));
  return notes;
}

void select_one_case(Options& options, const Catalog& catalog) {
  auto [label, policy, weights, start] = parts_of(options.explain);
  const std::string_view name = split_label(label).name;
  known_name("workload", std::string(name), catalog.workload_names());
  if (options.workloads.empty()) options.workloads = {label};
  known_name("policy", policy, catalog.policy_names());
  if (options.policies.empty()) options.policies = {policy};
  const auto parsed = parse_start(start);
  if (!parsed) throw UsageError(unknown_name("start", start, start_names));
  if (options.starts.empty()) options.starts = {*parsed};
  const bool named = !options.weights.empty() || !options.models.empty() ||
                     !options.tensors.empty() || !options.sizes.empty();
  if (named) return;
  take_share_of_name(weights, options);
  if (catalog.workload(name)->walks_model()) {
    options.models = {weights};
  } else {
    select_matrices(options, weights);
  }
}

}  // namespace offload
