// SPDX-License-Identifier: Apache-2.0
#include "bench/suites.hpp"

#include <algorithm>

#include "bench/models/presets.hpp"
#include "bench/models/sized_weights.hpp"
#include "bench/names.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

/// Explicitly named weights, in the order the options list them.
std::vector<WeightSet> named_weights(const Options& options) {
  std::vector<WeightSet> sets;
  for (const std::string& name : options.weights) {
    std::vector<WeightSet> found = find_preset_weights(name);
    if (found.empty()) {
      const std::vector<WeightSet> presets = preset_weights();
      std::vector<std::string_view> known = preset_models();
      for (const WeightSet& preset : presets) known.push_back(preset.name);
      throw UsageError(unknown_name("weights", name, known));
    }
    sets.insert(sets.end(), found.begin(), found.end());
  }
  for (const WeightTensor& tensor : options.tensors) sets.push_back({tensor.name, {tensor}});
  for (const std::size_t bytes : options.sizes) sets.push_back(sized_weights(bytes));
  return sets;
}

const Suite& find_suite(std::string_view name) {
  const std::span<const Suite> all = suites();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Suite& suite) { return suite.name == name; });
  if (found == all.end()) throw UsageError(unknown_name("suite", name, suite_names()));
  return *found;
}

/// A suite's own wording of weights: a preset's name, or sizes.
std::vector<WeightSet> suite_weights(std::string_view text) {
  std::vector<WeightSet> sets = find_preset_weights(text);
  if (!sets.empty()) return sets;
  for (const std::size_t bytes : parse_sizes(text)) sets.push_back(sized_weights(bytes));
  return sets;
}

bool same_shape(const WeightSet& a, const WeightSet& b) {
  return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const WeightTensor& x, const WeightTensor& y) {
                      return x.dtype == y.dtype && x.rows == y.rows && x.cols == y.cols;
                    });
}

/// Add `workload` on `weights`, which may already be selected for another workload.
void add(std::vector<Selection>& selected, const WeightSet& weights, const std::string& workload,
         bool named) {
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
}

std::vector<std::string> workloads_of(const Suite& suite) {
  std::vector<std::string> names;
  for (const SuiteItem& item : suite.items) {
    for (const std::string_view workload : item.workloads) {
      if (std::find(names.begin(), names.end(), workload) == names.end()) {
        names.emplace_back(workload);
      }
    }
  }
  return names;
}

}  // namespace

std::span<const Suite> suites() {
  static const std::vector<Suite> table{
      {"quick",
       "one real weight and a latency chain, every policy, within a minute",
       {{{"gemv", "stream_read"}, {"llama3.1-70b.down_proj"}},  //
        {{"pointer_chase"}, {"64MiB"}}}},
      {"full",
       "every projection of two models, a sweep over sizes, three dtypes",
       {{{"gemv"}, {"llama3.1-8b", "llama3.1-70b"}},
        {{"gemv"}, {"llama3.1-8b.gate_up_proj.fp16", "llama3.1-8b.gate_up_proj.fp8_e4m3"}},
        {{"stream_read"}, {"64KiB..1GiB*4"}},
        {{"pointer_chase"}, {"1MiB", "64MiB", "1GiB"}}}},
      {"micro",
       "bandwidth and latency over sizes",
       {{{"stream_read", "pointer_chase"}, {"64KiB..1GiB*4"}}}},
  };
  return table;
}

std::vector<std::string_view> suite_names() {
  std::vector<std::string_view> names;
  names.reserve(suites().size());
  for (const Suite& suite : suites()) names.push_back(suite.name);
  return names;
}

std::vector<Selection> select_weights(const Options& options) {
  const Suite& suite = find_suite(options.suite);
  const std::vector<std::string> workloads =
      options.workloads.empty() ? workloads_of(suite) : options.workloads;
  const std::vector<WeightSet> named = named_weights(options);

  std::vector<Selection> selected;
  for (const WeightSet& weights : named) {
    for (const std::string& workload : workloads) add(selected, weights, workload, true);
  }
  if (!named.empty()) return selected;

  const std::vector<std::string> in_suite = workloads_of(suite);
  for (const std::string& workload : workloads) {
    if (std::find(in_suite.begin(), in_suite.end(), workload) == in_suite.end()) {
      throw UsageError("suite " + options.suite + " has no weights for workload " + workload +
                       ": name some with --weights, --tensor or --sizes");
    }
  }
  for (const SuiteItem& item : suite.items) {
    for (const std::string_view text : item.weights) {
      for (const WeightSet& weights : suite_weights(text)) {
        for (const std::string_view workload : item.workloads) {
          if (std::find(workloads.begin(), workloads.end(), workload) == workloads.end()) continue;
          add(selected, weights, std::string(workload), false);
        }
      }
    }
  }
  return selected;
}

}  // namespace offload
