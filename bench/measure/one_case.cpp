// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/one_case.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/core/tensor_text.hpp"
#include "bench/measure/suites.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

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
    throw UsageError("explain '" + name +
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

}  // namespace

void select_one_case(Options& options, const Catalog& catalog) {
  const auto [label, policy, weights, start] = parts_of(options.explain);
  const std::string_view name = split_label(label).name;
  std::vector<std::string_view> known;
  for (const auto& workload : catalog.workloads) known.push_back(workload->name());
  known_name("workload", std::string(name), known);
  if (options.workloads.empty()) options.workloads = {label};
  known.clear();
  for (const auto& entry : catalog.policies) known.push_back(entry->name());
  known_name("policy", policy, known);
  if (options.policies.empty()) options.policies = {policy};
  const auto parsed = parse_start(start);
  if (!parsed) throw UsageError(unknown_name("start", start, start_names));
  if (options.starts.empty()) options.starts = {*parsed};
  const bool named = !options.weights.empty() || !options.models.empty() ||
                     !options.tensors.empty() || !options.sizes.empty();
  if (named) return;
  if (catalog.workload(name)->walks_model()) {
    options.models = {weights};
  } else {
    select_matrices(options, weights);
  }
}

void keep_one_case(Plan& plan, const std::string& name) {
  const auto found = std::find_if(plan.cases.begin(), plan.cases.end(),
                                  [&](const Case& item) { return item.name() == name; });
  if (found != plan.cases.end()) {
    plan.cases = {*found};
    plan.skipped.clear();
    return;
  }
  const auto skipped = std::find_if(plan.skipped.begin(), plan.skipped.end(),
                                    [&](const SkippedCase& item) { return item.name == name; });
  if (skipped != plan.skipped.end()) {
    plan.cases.clear();
    plan.skipped = {SkippedCase(*skipped)};
    return;
  }
  std::vector<std::string> names;
  for (const Case& item : plan.cases) names.push_back(item.name());
  for (const SkippedCase& item : plan.skipped) names.push_back(item.name);
  throw UsageError(
      unknown_name("case", name, std::vector<std::string_view>(names.begin(), names.end())));
}

}  // namespace offload
