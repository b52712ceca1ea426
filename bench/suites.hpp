// SPDX-License-Identifier: Apache-2.0
// What each suite measures, and what the options make of it.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/options.hpp"
#include "offload/weights.hpp"

namespace offload {

/// Every one of the workloads over every one of the weights, under every policy and start.
struct SuiteItem {
  std::vector<std::string_view> workloads;
  std::vector<std::string_view> weights;  // names that find_preset_weights knows, or sizes
};

struct Suite {
  std::string_view name;
  std::string_view description;
  std::vector<SuiteItem> items;
};

std::span<const Suite> suites();
std::vector<std::string_view> suite_names();

/// One weight set to measure, and by which workloads.
struct Selection {
  WeightSet weights;
  std::vector<std::string> workloads;
  bool named = false;  // by the user, not by the suite
};

/// The suite's choice with the options' in its place where given: weights named explicitly replace
/// the suite's for all selected workloads. Each weight set appears once. Throws UsageError for
/// unknown names, for two different weights of one name, and for a workload left without weights.
std::vector<Selection> select_weights(const Options& options);

}  // namespace offload
