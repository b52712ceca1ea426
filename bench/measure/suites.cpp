// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/suites.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "bench/core/names.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// An option whose values take the place of what labels say.
struct Axis {
  std::string_view parameter;  // the one it is about
  const char* flag;
  const char* values;  // as its values are called
  std::vector<std::size_t> Options::*given;
};
constexpr Axis axes[] = {
    {"tokens", "--tokens", "tokens", &Options::tokens},
    {"chunk", "--chunks", "chunks", &Options::chunks},
    {"skew", "--skew", "skew", &Options::skews},
};

/// nullptr for a parameter that only labels can say.
const Axis* axis_of(const Parameter& parameter) {
  const auto* const found = std::find_if(std::begin(axes), std::end(axes), [&](const Axis& axis) {
    return axis.parameter == parameter.name;
  });
  return found == std::end(axes) ? nullptr : found;
}

/// A value as the option spells it.
std::string option_text(const Parameter& parameter, std::size_t value) {
  return parameter.unit == Parameter::Unit::bytes ? format_size(value) : parameter.text(value);
}

/// Every value given for `axis` must mean something to one of `wanted`.
void require_taken(const Axis& axis, const std::vector<std::string>& wanted, const Options& options,
                   const Catalog& catalog) {
  std::vector<Parameter> parameters;
  std::vector<std::string_view> names;
  std::vector<std::string> ranges;
  for (const std::string& label : wanted) {
    const Workload* workload = catalog.workload(split_label(label).name);
    if (workload == nullptr ||
        std::find(names.begin(), names.end(), workload->name()) != names.end()) {
      continue;
    }
    names.push_back(workload->name());
    const std::optional<Parameter> parameter = workload->parameter();
    if (!parameter || parameter->name != axis.parameter) continue;
    parameters.push_back(*parameter);
    ranges.push_back(std::string(workload->name()) + " takes " + parameter->range());
  }
  if (parameters.empty()) {
    throw UsageError(std::string(axis.flag) + ": none of " + joined(names, ", ") +
                     " has a choice of " + axis.values);
  }
  for (const std::size_t value : options.*axis.given) {
    const bool taken =
        std::any_of(parameters.begin(), parameters.end(),
                    [value](const Parameter& parameter) { return parameter.allows(value); });
    if (taken) continue;
    const std::vector<std::string_view> all(ranges.begin(), ranges.end());
    throw UsageError(std::string(axis.flag) + " " + option_text(parameters.front(), value) + ": " +
                     joined(all, ", "));
  }
}

/// The labels of one workload for the values that `axis` was given.
void add_given(std::vector<std::string>& labels, std::string_view name, const Parameter& parameter,
               const Axis& axis, const Options& options) {
  bool any = false;
  for (const std::size_t value : options.*axis.given) {
    if (!parameter.allows(value)) continue;
    add_once(labels, label_of(name, parameter.name, parameter.text(value)));
    any = true;
  }
  if (any) return;
  throw UsageError(std::string(name) + " takes " + parameter.range() + ": " + axis.flag +
                   " names none of these");
}

/// A workload named without a value: as the suite has it, else as it comes.
void add_of_suite(std::vector<std::string>& labels, const Workload& workload, const Suite& suite) {
  bool in_suite = false;
  for (const std::string& known : labels_of(suite)) {
    if (split_label(known).name != workload.name()) continue;
    add_once(labels, known);
    in_suite = true;
  }
  if (!in_suite) add_once(labels, workload.label());
}

/// The labels of `wanted`, with the values of options in the place of what they say where given.
std::vector<std::string> expanded(const std::vector<std::string>& wanted, const Suite& suite,
                                  const Options& options, const Catalog& catalog) {
  std::vector<std::string> labels;
  for (const std::string& label : wanted) {
    const WorkloadLabel parts = split_label(label);
    const Workload* workload = catalog.workload(parts.name);
    const auto parameter = workload == nullptr ? std::nullopt : workload->parameter();
    // Another workload's parameter is an error that the plan reports, whatever the options say.
    if (!parameter || (!parts.parameter.empty() && parts.parameter != parameter->name)) {
      add_once(labels, label);
      continue;
    }
    const Axis* axis = axis_of(*parameter);
    if (axis != nullptr && !(options.*axis->given).empty()) {
      add_given(labels, parts.name, *parameter, *axis, options);
    } else if (parts.parameter.empty()) {
      add_of_suite(labels, *workload, suite);
    } else {
      // "0.50" is "0.5".
      const auto value = parameter->parse(parts.value);
      add_once(labels,
               value ? label_of(parts.name, parts.parameter, parameter->text(*value)) : label);
    }
  }
  return labels;
}

}  // namespace

std::span<const Suite> suites() {
  static const std::vector<Suite> table{
      {"quick",
       "one real weight and a latency chain, every policy, within a minute",
       {{{"gemv", "stream_read"}, {"llama3.1-70b.down_proj"}},  //
        {{"pointer_chase"}, {"64MiB"}}},
       10},
      {"full",
       "every projection of two models, a sweep over sizes, three dtypes",
       {{{"gemv"}, {"llama3.1-8b", "llama3.1-70b"}},
        {{"gemv"}, {"llama3.1-8b.gate_up_proj.fp16", "llama3.1-8b.gate_up_proj.fp8_e4m3"}},
        {{"stream_read"}, {"64KiB..1GiB*4"}},
        {{"pointer_chase"}, {"1MiB", "64MiB", "1GiB"}}},
       15,
       EvidenceLevel::quick,
       true},
      {"gemm",
       "one real weight at 1 to 8192 tokens, every policy",
       {{{"gemm/tokens:1", "gemm/tokens:16", "gemm/tokens:256", "gemm/tokens:512",
          "gemm/tokens:1024", "gemm/tokens:2048", "gemm/tokens:4096", "gemm/tokens:8192"},
         {"28672x8192:28672x8192:bf16"}}},
       5},
      {"decode",
       "decode steps through the layers of a model (--model), one token and a batch",
       {{{"decode/tokens:1", "decode/tokens:32"}, {}}},
       5},
      {"prefill",
       "a prefill through the layers of a model (--model)",
       {{{"prefill/tokens:512", "prefill/tokens:2048"}, {}}},
       5},
      {"micro",
       "bandwidth and latency over sizes, granularity, experts, a structure of pointers",
       {{{"stream_read"}, {"64KiB..256MiB*16"}},
        {{"pointer_chase"}, {"1MiB", "256MiB"}},
        {{"row_gather/chunk:512", "row_gather/chunk:4096", "row_gather/chunk:65536",
          "row_gather/chunk:2097152"},
         {"256MiB"}},
        {{"expert_gather/skew:0", "expert_gather/skew:0.5", "expert_gather/skew:1",
          "expert_gather/skew:1.5"},
         {"qwen3-30b-a3b.experts"}},
        {{"nested"}, {"llama3.1-70b.down_proj.q4"}}},
       5,
       EvidenceLevel::all},
  };
  return table;
}

const Suite& find_suite(std::string_view name) {
  const std::span<const Suite> all = suites();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Suite& suite) { return suite.name == name; });
  if (found == all.end()) throw UsageError(unknown_name("suite", name, suite_names()));
  return *found;
}

std::vector<std::string_view> suite_names() {
  std::vector<std::string_view> names;
  names.reserve(suites().size());
  for (const Suite& suite : suites()) names.push_back(suite.name);
  return names;
}

std::vector<std::string> labels_of(const Suite& suite) {
  std::vector<std::string> labels;
  for (const SuiteItem& item : suite.items) {
    for (const std::string_view label : item.workloads) add_once(labels, std::string(label));
  }
  return labels;
}

std::vector<std::string> wanted_labels(const Suite& suite, const Options& options,
                                       const Catalog& catalog) {
  const std::vector<std::string> wanted =
      options.workloads.empty() ? labels_of(suite) : options.workloads;
  for (const Axis& axis : axes) {
    if (!(options.*axis.given).empty()) require_taken(axis, wanted, options, catalog);
  }
  return expanded(wanted, suite, options, catalog);
}

}  // namespace offload
