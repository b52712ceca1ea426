// SPDX-License-Identifier: Apache-2.0
#include "bench/plan/suite_labels.hpp"

#include <algorithm>
#include <string_view>

#include "bench/cli/help.hpp"
#include "offload/error.hpp"

namespace offload {
namespace {

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// Every count of --tokens must mean something to one of `wanted`.
void require_taken(const std::vector<std::string>& wanted, const Options& options,
                   const Catalog& catalog) {
  std::vector<const Workload*> with_choice;
  std::vector<std::string_view> names;
  std::vector<std::string> ranges;
  for (const std::string& label : wanted) {
    const Workload* workload = catalog.workload(split_label(label).name);
    if (workload == nullptr ||
        std::find(names.begin(), names.end(), workload->name()) != names.end()) {
      continue;
    }
    names.push_back(workload->name());
    if (!workload->has_choice_of_tokens()) continue;
    const auto [least, most] = workload->token_range();
    with_choice.push_back(workload);
    ranges.push_back(std::string(workload->name()) + " takes " + std::to_string(least) + " to " +
                     std::to_string(most));
  }
  if (with_choice.empty() && !options.tokens.empty()) {
    throw UsageError("--tokens: none of " + joined(names, ", ") + " has a choice of tokens");
  }
  for (const std::size_t count : options.tokens) {
    const bool taken =
        std::any_of(with_choice.begin(), with_choice.end(), [count](const Workload* workload) {
          const auto [least, most] = workload->token_range();
          return count >= least && count <= most;
        });
    if (!taken) {
      const std::vector<std::string_view> all(ranges.begin(), ranges.end());
      throw UsageError("--tokens " + std::to_string(count) + ": " + joined(all, ", "));
    }
  }
}

/// The labels of `wanted`, with --tokens in the place of what they say where it was given.
std::vector<std::string> expanded(const std::vector<std::string>& wanted, const Suite& suite,
                                  const Options& options, const Catalog& catalog) {
  std::vector<std::string> labels;
  for (const std::string& label : wanted) {
    const auto [name, tokens] = split_label(label);
    const Workload* workload = catalog.workload(name);
    if (workload == nullptr || !workload->has_choice_of_tokens()) {
      add_once(labels, label);
      continue;
    }
    const auto [least, most] = workload->token_range();
    if (!options.tokens.empty()) {
      bool any = false;
      for (const std::size_t count : options.tokens) {
        if (count < least || count > most) continue;
        add_once(labels, label_of(name, count));
        any = true;
      }
      if (!any) {
        throw UsageError(std::string(name) + " takes " + std::to_string(least) + " to " +
                         std::to_string(most) + " tokens: --tokens names none of these");
      }
    } else if (tokens) {
      add_once(labels, label);
    } else {
      bool in_suite = false;
      for (const std::string& known : labels_of(suite)) {
        if (split_label(known).name != name) continue;
        add_once(labels, known);
        in_suite = true;
      }
      if (!in_suite) add_once(labels, workload->label());
    }
  }
  return labels;
}

}  // namespace

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
  if (!options.tokens.empty()) require_taken(wanted, options, catalog);
  return expanded(wanted, suite, options, catalog);
}

}  // namespace offload
