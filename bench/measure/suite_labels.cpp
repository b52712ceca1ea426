// SPDX-License-Identifier: Apache-2.0
#include "bench/measure/suite_labels.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>

#include "bench/cli/help.hpp"
#include "offload/error.hpp"
#include "offload/units.hpp"

namespace offload {
namespace {

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

/// An option whose values take the place of what labels say.
struct Axis {
  char letter;  // of the choice it is about
  const char* flag;
  const char* values;  // as its values are called
  std::vector<std::size_t> Options::*given;
};
constexpr Axis axes[] = {
    {'m', "--tokens", "tokens", &Options::tokens},
    {'c', "--chunks", "chunks", &Options::chunks},
    {'z', "--skew", "skew", &Options::skews},
};

const Axis& axis_of(char letter) {
  return *std::find_if(std::begin(axes), std::end(axes),
                       [letter](const Axis& axis) { return axis.letter == letter; });
}

/// A value as the option spells it.
std::string spelt(const Axis& axis, std::size_t value) {
  if (axis.letter == 'c') return format_size(value);
  if (axis.letter == 'm') return std::to_string(value);
  std::ostringstream text;
  text << static_cast<double>(value) / 100;
  return text.str();
}

/// Every value given for `axis` must mean something to one of `wanted`.
void require_taken(const Axis& axis, const std::vector<std::string>& wanted, const Options& options,
                   const Catalog& catalog) {
  std::vector<Choice> choices;
  std::vector<std::string_view> names;
  std::vector<std::string> ranges;
  for (const std::string& label : wanted) {
    const Workload* workload = catalog.workload(split_label(label).name);
    if (workload == nullptr ||
        std::find(names.begin(), names.end(), workload->name()) != names.end()) {
      continue;
    }
    names.push_back(workload->name());
    const std::optional<Choice> choice = workload->choice();
    if (!choice || choice->letter != axis.letter) continue;
    choices.push_back(*choice);
    ranges.push_back(std::string(workload->name()) + " takes " + choice->range());
  }
  if (choices.empty()) {
    throw UsageError(std::string(axis.flag) + ": none of " + joined(names, ", ") +
                     " has a choice of " + axis.values);
  }
  for (const std::size_t value : options.*axis.given) {
    const bool taken = std::any_of(choices.begin(), choices.end(),
                                   [value](const Choice& choice) { return choice.allows(value); });
    if (taken) continue;
    const std::vector<std::string_view> all(ranges.begin(), ranges.end());
    throw UsageError(std::string(axis.flag) + " " + spelt(axis, value) + ": " + joined(all, ", "));
  }
}

/// The labels of `wanted`, with the values of options in the place of what they say where given.
std::vector<std::string> expanded(const std::vector<std::string>& wanted, const Suite& suite,
                                  const Options& options, const Catalog& catalog) {
  std::vector<std::string> labels;
  for (const std::string& label : wanted) {
    const auto [name, letter, value] = split_label(label);
    const Workload* workload = catalog.workload(name);
    const std::optional<Choice> choice = workload == nullptr ? std::nullopt : workload->choice();
    // A letter that is not the workload's is an unknown label, whatever the options say.
    if (!choice || (value && letter != choice->letter)) {
      add_once(labels, label);
      continue;
    }
    const Axis& axis = axis_of(choice->letter);
    const std::vector<std::size_t>& given = options.*axis.given;
    if (!given.empty()) {
      bool any = false;
      for (const std::size_t one : given) {
        if (!choice->allows(one)) continue;
        add_once(labels, label_of(name, axis.letter, one));
        any = true;
      }
      if (!any) {
        throw UsageError(std::string(name) + " takes " + choice->range() + ": " + axis.flag +
                         " names none of these");
      }
    } else if (value) {
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
  for (const Axis& axis : axes) {
    if (!(options.*axis.given).empty()) require_taken(axis, wanted, options, catalog);
  }
  return expanded(wanted, suite, options, catalog);
}

}  // namespace offload
